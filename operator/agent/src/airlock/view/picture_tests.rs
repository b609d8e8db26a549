use std::io::Write;

use image::{GrayImage, ImageEncoder, RgbImage};

use super::*;

const SECRET: &[u8] = b"participant-17,rs123,0/1";

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("file");
    file.write_all(bytes).expect("written");
    file
}

fn gradient() -> RgbImage {
    RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8 * 4, y as u8 * 5, 7]))
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    gradient().write_to(&mut bytes, format).expect("encoded");
    bytes.into_inner()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|w| w == part)
}

#[test]
fn the_pixels_come_back_and_nothing_else() {
    // Behind the end, and in a text chunk before the pixels (PNG: behind IHDR, which ends at byte 33).
    let mut png = encoded(ImageFormat::Png);
    let mut chunk = (SECRET.len() as u32).to_be_bytes().to_vec();
    chunk.extend(b"tEXt");
    chunk.extend(SECRET);
    let mut crc = crc32(&chunk[4..]).to_be_bytes().to_vec();
    chunk.append(&mut crc);
    png.splice(33..33, chunk);
    png.extend(SECRET);
    assert!(holds(&png, SECRET));
    let drawn = redraw(file(&png)).expect("drawn");
    assert!(!holds(&drawn, SECRET));
    let pixels = image::load_from_memory(&drawn).expect("a PNG").into_rgb8();
    assert_eq!(pixels, gradient());
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[test]
fn a_jpeg_comes_back_as_a_png() {
    let mut jpeg = encoded(ImageFormat::Jpeg);
    jpeg.extend(SECRET);
    let drawn = redraw(file(&jpeg)).expect("drawn");
    assert!(drawn.starts_with(b"\x89PNG") && !holds(&drawn, SECRET));
    let size = image::load_from_memory(&drawn).expect("a PNG").into_rgb8();
    assert_eq!(size.dimensions(), (64, 48));
}

#[test]
fn a_huge_image_is_refused_before_it_is_decoded() {
    let png = |width: u32, height: u32| {
        let mut bytes = Vec::new();
        PngEncoder::new(&mut bytes)
            .write_image(&GrayImage::new(8, 8), 8, 8, image::ExtendedColorType::L8)
            .expect("encoded");
        // The header lies about the size, its sum does not.
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = crc32(&bytes[12..29]).to_be_bytes();
        bytes[29..33].copy_from_slice(&crc);
        bytes
    };
    assert!(redraw(file(&png(8, 8))).is_ok(), "the control");
    for (width, height) in [(100_000, 1), (16_384, 16_384), (5_000, 5_000)] {
        assert_eq!(
            redraw(file(&png(width, height))),
            Err(NoPicture::TooLarge),
            "{width} x {height}"
        );
    }
}

#[test]
fn what_is_no_image_is_refused() {
    let cut = &encoded(ImageFormat::Png)[..60];
    for bytes in [b"".as_slice(), b"<svg/>", b"GIF89a\x01\0\x01\0\0\0\0;", cut] {
        assert_eq!(redraw(file(bytes)), Err(NoPicture::Undecodable));
    }
}
