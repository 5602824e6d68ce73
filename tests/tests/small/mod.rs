//! A few of the embedded images as files, for tests that train more than once.

use eos_data::{ImageSet, demo};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Of each class at most so many training images and test images.
const MOST: [usize; 2] = [60, 50];

/// The training images and the test images: as IDX, the labels beside them, where every test of a program finds them.
pub fn files() -> &'static [PathBuf; 2] {
    static FILES: OnceLock<[PathBuf; 2]> = OnceLock::new();
    FILES.get_or_init(|| {
        let name = concat!(env!("CARGO_CRATE_NAME"), "-images");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        [
            write(&folder, "train", &demo::train(), MOST[0]),
            write(&folder, "test", &demo::test(), MOST[1]),
        ]
    })
}

/// Makes the configuration of a scene one of these images.
pub fn use_in(scene: &Path) {
    let config = scene.join("c.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let [train, test] = files();
    let data = format!("train = {train:?}\ntest = {test:?}");
    let changed = text.replace("set = \"fashion-mnist-lt\"", &data);
    assert_ne!(changed, text);
    std::fs::write(config, changed).unwrap();
}

fn write(folder: &Path, part: &str, images: &ImageSet, most: usize) -> PathBuf {
    let mut seen = vec![0; images.classes().len()];
    let rows: Vec<u32> = (0..images.len() as u32)
        .filter(|row| {
            let count = &mut seen[images.labels()[*row as usize] as usize];
            *count += 1;
            *count <= most
        })
        .collect();
    let few = images.select(&rows).unwrap();
    let shape = few.shape();
    let header = |magic: u32, sizes: &[usize]| -> Vec<u8> {
        let sizes = sizes.iter().map(|size| *size as u32);
        let numbers = std::iter::once(magic).chain(sizes);
        numbers.flat_map(u32::to_be_bytes).collect()
    };
    let labels: Vec<u8> = few.labels().iter().map(|label| *label as u8).collect();
    let path = |kind: &str| folder.join(format!("{part}-{kind}-ubyte"));
    let whole = [header(0x801, &[few.len()]), labels].concat();
    std::fs::write(path("labels-idx1"), whole).unwrap();
    let sizes = [few.len(), shape.height, shape.width];
    let whole = [header(0x803, &sizes), few.pixels().to_vec()].concat();
    std::fs::write(path("images-idx3"), whole).unwrap();
    path("images-idx3")
}
