//! Images, drawn anew: only what can be seen goes on, as a PNG of our own. The original's bytes never do, nor its metadata, nor
//! what stands behind its end.

use std::fs::File;
use std::io::{BufReader, Cursor, Seek};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageError, ImageFormat, ImageReader, Limits};
use maud::{Markup, html};

/// Bytes of a file that is decoded.
const FILE: u64 = 64 << 20;
/// Pixels of a side.
const SIDE: u32 = 16_384;
/// Pixels. What is decoded, what is encoded and what is still being sent fit the job's memory (256 MiB) together.
const PIXELS: u64 = 12_000_000;
/// Bytes that a decoder may take.
const MEMORY: u64 = 80 << 20;

/// Why an image is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPicture {
    /// More bytes or pixels than are decoded here.
    #[error("too large to be decoded here")]
    TooLarge,
    /// No PNG or JPEG, or a broken one.
    #[error("no image that can be decoded")]
    Undecodable,
}

impl NoPicture {
    /// What to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::TooLarge => {
                "It has more bytes or pixels than are drawn here. Return the request and ask for a smaller image."
            }
            Self::Undecodable => {
                "It is no PNG or JPEG that can be decoded. Return the request and ask for another form."
            }
        }
    }
}

/// A PNG of what can be seen in a PNG or JPEG.
///
/// # Errors
/// [`NoPicture`].
pub fn redraw(file: File) -> Result<Vec<u8>, NoPicture> {
    let undecodable = |_| NoPicture::Undecodable;
    if file.metadata().map_err(undecodable)?.len() > FILE {
        return Err(NoPicture::TooLarge);
    }
    let (width, height) = reader(&file)?.into_dimensions().map_err(refused)?;
    if u64::from(width) * u64::from(height) > PIXELS {
        return Err(NoPicture::TooLarge);
    }
    let image = eight_bits(reader(&file)?.decode().map_err(refused)?);
    let mut png = Cursor::new(Vec::new());
    let encoder =
        PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive);
    image.write_with_encoder(encoder).map_err(refused)?;
    Ok(png.into_inner())
}

fn reader(mut file: &File) -> Result<ImageReader<BufReader<&File>>, NoPicture> {
    let undecodable = |_| NoPicture::Undecodable;
    file.rewind().map_err(undecodable)?;
    let mut reader = ImageReader::new(BufReader::new(file))
        .with_guessed_format()
        .map_err(undecodable)?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(NoPicture::Undecodable);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    Ok(reader)
}

fn refused(error: ImageError) -> NoPicture {
    match error {
        ImageError::Limits(_) => NoPicture::TooLarge,
        _ => NoPicture::Undecodable,
    }
}

/// What a screen shows; the lower half of sixteen bits is seen by nobody.
fn eight_bits(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_) => image,
        other if other.color().has_alpha() => DynamicImage::ImageRgba8(other.into_rgba8()),
        other => DynamicImage::ImageRgb8(other.into_rgb8()),
    }
}

/// The page's part with the image in it.
pub fn show(number: u64) -> Markup {
    html! {
        p {
            "Drawn anew from its pixels: metadata, and anything behind the image's end, is not in it. If nothing appears, "
            a href="image" { "see why" } "."
        }
        img src="image" alt={ "The content of file " (number) };
    }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
