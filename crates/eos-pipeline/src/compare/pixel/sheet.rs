//! A picture of synthetic images.

use crate::Error;
use crate::report::pick;
use eos_data::ImageSet;
use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};

/// Images in a row: the first of them is a real one.
const COLUMNS: usize = 12;
/// Classes at most.
const ROWS: usize = 20;
/// Pixels between images.
const GAP: usize = 2;

/// A row a class, rarest last as the classes come: one real image, a gap, then synthetic ones, those behind the first
/// `real`, evenly picked. PNG; `None` where images are neither grey nor RGB or none was added.
pub(crate) fn sheet(images: &ImageSet, real: usize) -> Result<Option<Vec<u8>>, Error> {
    let shape = images.shape();
    let (c, h, w) = (shape.channels, shape.height, shape.width);
    let colour = match c {
        1 => ExtendedColorType::L8,
        3 => ExtendedColorType::Rgb8,
        _ => return Ok(None),
    };
    let labels = images.labels();
    let picked = pick::by_class(&labels[real..], images.classes().len(), COLUMNS - 1);
    let classes: Vec<usize> = (0..picked.len())
        .filter(|class| !picked[*class].is_empty())
        .collect();
    if classes.is_empty() {
        return Ok(None);
    }
    let classes = &classes[..classes.len().min(ROWS)];
    let width = COLUMNS * (w + GAP) + GAP;
    let height = classes.len() * (h + GAP);
    let mut sheet = vec![255; width * height * c];
    for (row, class) in classes.iter().enumerate() {
        let first = labels.iter().position(|label| *label as usize == *class);
        let made = picked[*class].iter().map(|at| real + at);
        for (column, at) in first.into_iter().chain(made).enumerate() {
            // The real one stands apart.
            let left = column * (w + GAP) + if column == 0 { 0 } else { GAP };
            let image = images.image(at);
            for y in 0..h {
                for x in 0..w {
                    let to = ((row * (h + GAP) + y) * width + left + x) * c;
                    for channel in 0..c {
                        sheet[to + channel] = image[(channel * h + y) * w + x];
                    }
                }
            }
        }
    }
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(&sheet, width as u32, height as u32, colour)
        .map_err(|e| Error::Request(format!("the picture of synthetic images: {e}")))?;
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eos_data::ImageShape;

    #[test]
    fn each_class_with_synthetic_images_has_a_row() {
        let shape = ImageShape {
            channels: 1,
            height: 4,
            width: 3,
        };
        let labels = vec![0, 1, 2, 1, 1, 2];
        let pixels: Vec<u8> = (0..6 * 12).map(|i| (i / 12) as u8 * 40).collect();
        let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
        let images = ImageSet::new(shape, pixels, labels, classes).unwrap();
        let file = sheet(&images, 3).unwrap().unwrap();
        let read = image::load_from_memory(&file).unwrap().into_luma8();
        assert_eq!(read.dimensions(), (12 * 5 + 2, 2 * 6));
        // Class b: image 1, then 3 and 4; class c: 2, then 5.
        let at = |column: u32, row: u32| read.get_pixel(column * 5 + 2, row * 6 + 1).0[0];
        assert_eq!((at(0, 0), at(1, 0), at(2, 0)), (40, 120, 160));
        assert_eq!((at(0, 1), at(1, 1), at(3, 1)), (80, 200, 255));
        assert_eq!(sheet(&images, 6).unwrap(), None);
    }
}
