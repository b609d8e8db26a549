//! Images that carry more than they show.

mod common;

use common::{Dice, breaks, has, look, passes, people, results};

#[test]
fn text_in_metadata_is_read() {
    let text = [b"Comment\0".as_slice(), people::vcf_body(true).as_bytes()].concat();
    let image = results::png(64, 64, |_, _, _| 255, &text);
    breaks("genotypes in a comment", &image, "AL-I002");
    breaks("as long as that", &image, "AL-G021");
    passes(
        "a short comment",
        &results::png(64, 64, |_, _, _| 255, b"Title\0Risk by age"),
    );
}

#[test]
fn the_lowest_bit_of_a_plot() {
    let secret = Dice(21).bytes(400 * 400 * 3);
    let plain = |x: u32, y: u32| {
        if x > 100 && x < 200 && y > 50 {
            90
        } else {
            250
        }
    };
    passes(
        "the plot",
        &results::png(400, 400, |x, y, _| plain(x, y), b""),
    );
    let hidden = |rows: u32| {
        let secret = &secret;
        results::png(
            400,
            400,
            move |x, y, c| {
                let bit = secret[((y * 400 + x) * 3 + c) as usize] & 1;
                if y < rows {
                    plain(x, y) & 0xfe | bit
                } else {
                    plain(x, y)
                }
            },
            b"",
        )
    };
    breaks("in all of it", &hidden(400), "AL-G021");
    breaks("in a tenth of it", &hidden(40), "AL-G021");
}

#[test]
fn noise_is_no_plot() {
    let noise = Dice(22).bytes(200 * 200 * 3);
    let image = results::png(
        200,
        200,
        |x, y, c| noise[((y * 200 + x) * 3 + c) as usize],
        b"",
    );
    breaks("noise", &image, "AL-G021");
}

#[test]
fn what_follows_the_end_is_looked_at() {
    let mut image = results::plot();
    image.extend(results::COUNTS.as_bytes());
    let report = look(&image);
    assert!(has(&report, "AL-G021"), "{report:#?}");
    let mut leak = results::plot();
    leak.extend(people::vcf().as_bytes());
    breaks("a VCF behind it", &leak, "AL-I002");
}

#[test]
fn absurd_sizes_and_broken_images_are_held() {
    let mut image = results::plot();
    image[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
    image[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
    breaks("ten thousand million pixels", &image, "AL-G021");
    let plot = results::plot();
    breaks("cut off", &plot[..plot.len() - 20], "AL-G019");
}

/// The segments of a small JPEG; its pixels are not decoded.
fn jpeg(comment: &[u8]) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
    if !comment.is_empty() {
        bytes.extend(b"\xff\xfe");
        bytes.extend((comment.len() as u16 + 2).to_be_bytes());
        bytes.extend(comment);
    }
    bytes.extend(b"\xff\xc0\0\x0b\x08\0\x40\0\x40\x01\x01\x11\0");
    bytes.extend(b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\x12\x34\xff\0\x56\xff\xd9");
    bytes
}

#[test]
fn jpeg_too() {
    passes("a photograph's frame", &jpeg(b"made by a plotting library"));
    let calls = people::vcf_body(true);
    breaks("a comment", &jpeg(calls.as_bytes()), "AL-I002");
    breaks(
        "behind its end",
        &[jpeg(b""), common::binary::bed()].concat(),
        "AL-I004",
    );
    breaks("cut off", &jpeg(b"")[..30], "AL-G019");
    let mut huge = jpeg(b"");
    let at = huge.len() - 16 - 10;
    huge[at..at + 4].copy_from_slice(&[0xff; 4]);
    assert!(look(&huge).held());
}

/// A plot whose header says something else: width, height, depth, colour.
fn claiming(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let mut image = results::plot();
    let header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    image[16..24].copy_from_slice(&header);
    (image[24], image[25]) = (depth, colour);
    image
}

#[test]
fn headers_that_no_image_has() {
    passes("as it is", &claiming(480, 360, 8, 2));
    for (width, height, depth, colour) in [
        (0, 360, 8, 2),
        (u32::MAX, 0, 8, 2),
        (480, 360, 0, 2),
        (480, 360, 255, 2),
        (480, 360, 4, 2),
        (480, 360, 16, 3),
        (480, 360, 8, 5),
        (480, 360, 3, 0),
    ] {
        let what = format!("{width} by {height}, depth {depth}, colour {colour}");
        let report = look(&claiming(width, height, depth, colour));
        let known = report.findings.iter().any(|f| f.what.contains("no header"));
        assert!(has(&report, "AL-G019") && known, "{what}: {report:#?}");
    }
    let row = look(&claiming(50_000_000, 1, 8, 6));
    assert!(has(&row, "AL-G019"), "{row:#?}");
    let known = row
        .findings
        .iter()
        .any(|f| f.what.contains("rows of pixels"));
    assert!(known, "{row:#?}");
}
