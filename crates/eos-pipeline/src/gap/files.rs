//! An analysis as files.

use super::dimensions::Dimensions;
use super::plots::plots;
use super::{Analysis, Request};
use crate::Error;
use eos_data::atomic::AtomicFile;
use std::io::{self, Write};
use std::path::Path;

/// Writes the CSV of [`Dimensions`] whole or not at all.
///
/// # Errors
/// [`Error::Io`], and as [`analyse`](super::analyse).
pub fn write_csv(path: &Path, request: &Request<'_>) -> Result<(), Error> {
    let dimensions = Dimensions::new(request)?;
    eos_data::atomic::write(path, |out| dimensions.write(out)).map_err(|e| Error::writing(path, e))
}

/// Writes gap.json, gap.csv and the plots gap.svg, gap-equal-rows.svg (where asked for), shift.svg,
/// spread.svg and norms.svg (where there is a head) into a folder, which is made if need be; none
/// gets its name before all are written.
///
/// # Errors
/// [`Error::Io`], and as [`analyse`](super::analyse).
pub fn write_files(folder: &Path, request: &Request<'_>, analysis: &Analysis) -> Result<(), Error> {
    let failed = |error| Error::writing(folder, error);
    let dimensions = Dimensions::new(request)?;
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut files = Vec::new();
    let mut file = |name: &str, write: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
        let mut file = AtomicFile::create(&folder.join(name))?;
        write(&mut file)?;
        files.push(file);
        io::Result::Ok(())
    };
    file("gap.json", &|out| {
        serde_json::to_writer_pretty(&mut *out, analysis)?;
        writeln!(out)
    })
    .map_err(failed)?;
    file("gap.csv", &|out| dimensions.write(out)).map_err(failed)?;
    for (name, svg) in plots(analysis) {
        file(&format!("{name}.svg"), &|out| out.write_all(svg.as_bytes())).map_err(failed)?;
    }
    AtomicFile::commit_all(files).map_err(failed)
}
