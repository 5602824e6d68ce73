//! Labelled images of one shape, as bytes.

use crate::error::{DataError, Fault};

/// Shape of one image: `[channels, height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ImageShape {
    /// 1 for grey, 3 for RGB; any number is held.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl ImageShape {
    /// Bytes of one image: channels · height · width.
    pub fn pixels(self) -> usize {
        self.channels * self.height * self.width
    }
}

impl std::fmt::Display for ImageShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} × {} × {}", self.channels, self.height, self.width)
    }
}

/// N labelled images of one shape. Pixels are bytes `[N, C, H, W]`, labels are class indices.
///
/// ```
/// use eos_data::{ImageSet, ImageShape};
/// let shape = ImageShape { channels: 1, height: 1, width: 2 };
/// let classes = vec!["even".to_owned(), "odd".to_owned()];
/// let set = ImageSet::new(shape, vec![0, 2, 1, 3, 4, 4], vec![0, 1, 0], classes)?;
/// assert_eq!(set.image(1), [1, 3]);
/// assert_eq!(set.class_counts(), [2, 1]);
/// # Ok::<(), eos_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSet {
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Vec<u32>,
    classes: Vec<String>,
}

impl ImageSet {
    /// A checked set: `pixels` is `[N, C, H, W]` for the N `labels`, each below `classes.len()`.
    ///
    /// # Errors
    /// [`DataError::Shape`] where the lengths disagree, a side is zero or there is no image;
    /// [`DataError::Value`] for a label without a class.
    pub fn new(
        shape: ImageShape,
        pixels: Vec<u8>,
        labels: Vec<u32>,
        classes: Vec<String>,
    ) -> Result<Self, DataError> {
        let fault = |field: &str| Fault::argument("image set", field);
        let size = shape
            .channels
            .checked_mul(shape.height)
            .and_then(|size| size.checked_mul(shape.width))
            .filter(|size| *size > 0)
            .ok_or_else(|| {
                fault("shape")
                    .got(shape.to_string())
                    .wanted("channels, height and width of at least 1")
                    .next("check the shape")
                    .shape()
            })?;
        if labels.is_empty() || labels.len() >= u32::MAX as usize {
            return Err(fault("labels")
                .got(format!("{} images", labels.len()))
                .wanted("at least 1 and fewer than 2³² − 1")
                .next("check what was selected")
                .shape());
        }
        if pixels.len() / size != labels.len() || !pixels.len().is_multiple_of(size) {
            return Err(fault("pixels")
                .got(format!("{} bytes", pixels.len()))
                .wanted(format!("{} images of {size} bytes", labels.len()))
                .next("give one label an image")
                .shape());
        }
        if let Some(row) = labels.iter().position(|l| *l as usize >= classes.len()) {
            return Err(fault("labels")
                .got(format!("{} at image {row}", labels[row]))
                .wanted(format!("a class index below {}", classes.len()))
                .next("name every class or correct the label")
                .value());
        }
        Ok(Self {
            shape,
            pixels,
            labels,
            classes,
        })
    }

    /// Shape of every image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// All pixels, `[N, C, H, W]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Class index of every image, `[N]`.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Names of the classes; a label is an index into them.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Number of images, at least 1.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true: a set holds at least one image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels of image `i`, `[C, H, W]`. Panics where `i` is not below [`len`](Self::len).
    pub fn image(&self, i: usize) -> &[u8] {
        let size = self.shape.pixels();
        &self.pixels[i * size..][..size]
    }

    /// Images of each class, `[classes]`; zero for a class that the set only names.
    pub fn class_counts(&self) -> Vec<usize> {
        class_counts(&self.labels, self.classes.len())
    }

    /// The images of the given rows, in the given order, with the same class names.
    ///
    /// # Errors
    /// [`DataError::Shape`] for no rows at all, [`DataError::Value`] for a row that is not there.
    pub fn select(&self, rows: &[u32]) -> Result<Self, DataError> {
        if let Some(row) = rows.iter().find(|row| **row as usize >= self.len()) {
            return Err(Fault::argument("image set", "selected rows")
                .got(row.to_string())
                .wanted(format!("row numbers below {}", self.len()))
                .next("select rows of this set")
                .value());
        }
        let mut pixels = Vec::with_capacity(rows.len() * self.shape.pixels());
        for row in rows {
            pixels.extend_from_slice(self.image(*row as usize));
        }
        let labels = rows.iter().map(|r| self.labels[*r as usize]).collect();
        Self::new(self.shape, pixels, labels, self.classes.clone())
    }

    /// Refuses a set in which a named class has no image: nothing can be learnt about it.
    ///
    /// # Errors
    /// [`DataError::Value`] naming the first such class.
    pub fn require_every_class(&self, place: &str) -> Result<(), DataError> {
        let counts = self.class_counts();
        match counts.iter().position(|count| *count == 0) {
            None => Ok(()),
            Some(class) => Err(
                Fault::argument(place, format!("class {}", self.classes[class]))
                    .got("0 images")
                    .wanted("at least 1")
                    .next("add images of this class or remove the class")
                    .value(),
            ),
        }
    }
}

/// Rows of each class. Labels not below `classes` are not counted.
pub(crate) fn class_counts(labels: &[u32], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for label in labels {
        if let Some(count) = counts.get_mut(*label as usize) {
            *count += 1;
        }
    }
    counts
}
