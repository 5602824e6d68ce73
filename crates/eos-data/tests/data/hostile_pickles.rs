//! Pickles that try to run something, to exhaust memory, or are simply broken: all refused.

use crate::support::{fixture, folder, put, refused, unzip};
use eos_data::{DataError, Format, ImageSet, ReadOptions, read_images};

fn read(bytes: &[u8]) -> Result<ImageSet, DataError> {
    let folder = folder();
    let options = ReadOptions {
        format: Some(Format::Cifar10),
        ..ReadOptions::default()
    };
    read_images(&put(&folder, "data_batch_1", bytes), &options)
}

fn batch() -> Vec<u8> {
    unzip(&fixture("cifar10_python2.pickle.gz"))
}

/// The batch with one string of bytes replaced by another.
fn replaced(from: &[u8], to: &[u8]) -> Vec<u8> {
    let batch = batch();
    let at = batch
        .windows(from.len())
        .position(|window| window == from)
        .expect("it is there");
    [&batch[..at], to, &batch[at + from.len()..]].concat()
}

#[test]
fn a_name_that_is_not_known_is_never_called() {
    let classic = b"\x80\x02cos\nsystem\nU\x0btouch /tmp/xq\x01\x85R.";
    refused(
        read(classic),
        "Unsupported",
        &["data_batch_1", "os.system", "nothing else is ever called"],
    );
    let stack = b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.";
    refused(read(stack), "Unsupported", &["builtins.eval"]);
    let within = replaced(b"cnumpy\ndtype\n", b"cnumpy\nfromfile\n");
    refused(read(&within), "Unsupported", &["numpy.fromfile"]);
    // Opcodes that make instances of classes, or look up extensions, are not known at all.
    for opcode in [
        b"(iposix\nsystem\n.".as_slice(),
        b"\x82\x01.",
        b"}\x81.",
        b"Qx.",
        b"}P1\n.",
    ] {
        let pickle = [b"\x80\x02", opcode].concat();
        refused(read(&pickle), "Unsupported", &["opcode"]);
    }
}

#[test]
fn operations_on_nothing_are_refused() {
    for body in [
        b"R".as_slice(),
        b"b.",
        b"t.",
        b"a.",
        b"u.",
        b"0.",
        b".",
        b"K\x01(0.",
        b"h\x05.",
        b"q\x05.",
        b"\x94.",
        b"K\x01K\x02a.",
        b"}(K\x01u.",
        b"}K\x01K\x02b.",
        b"\x93.",
        b"K\x01K\x02\x93.",
        b"cnumpy\nndarray\n)R.",
        b"cnumpy\ndtype\n)R.",
        b"cnumpy.core.multiarray\n_reconstruct\n)R)b.",
        b"c_codecs\nencode\nX\x03\x00\x00\x00\xe2\x82\xacU\x06latin1\x86R.",
        b"X\x02\x00\x00\x00\xff\xff.",
        b"cnumpy",
        b"T\xff\xff\xff\xff",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8a\xff",
        b"}.}",
    ] {
        let pickle = [b"\x80\x04", body].concat();
        refused(
            read(&pickle),
            "Damaged",
            &["data_batch_1", "pickle at byte"],
        );
    }
}

#[test]
fn other_values_than_a_batch_are_refused() {
    refused(
        read(b"\x80\x02]."),
        "Unsupported",
        &["something other than a dictionary"],
    );
    // A mark that is never closed does no harm.
    refused(
        read(b"\x80\x02(K\x01."),
        "Unsupported",
        &["something other"],
    );
    refused(read(b"\x80\x02}."), "Damaged", &["'data'", "got nothing"]);
    refused(
        read(b"\x80\x01}."),
        "Unsupported",
        &["protocol from 2 to 5"],
    );
    refused(
        read(b"\x80\x02}(U\x04dataK\x01u."),
        "Unsupported",
        &["'data'", "another value"],
    );
    // A dictionary that holds itself is only strange.
    refused(
        read(b"\x80\x02}q\x01(U\x04datah\x01u."),
        "Unsupported",
        &["'data'"],
    );
    let floats = replaced(b"U\x02u1", b"U\x02f4");
    refused(read(&floats), "Unsupported", &["'data'", "another type"]);
}

#[test]
fn batches_that_contradict_themselves_are_refused() {
    let shape = replaced(b"M\x00\x0c\x86", b"M\x01\x0c\x86");
    refused(
        read(&shape),
        "Damaged",
        &["12288 bytes for shape [4, 3073]"],
    );
    let rows = replaced(b"(K\x01K\x04M\x00\x0c\x86", b"(K\x01K\x08M\x00\x06\x86");
    refused(
        read(&rows),
        "Shape",
        &["shape of 'data'", "[8, 1536]", "[N, 3072]"],
    );
    let labels = replaced(b"K\x03K\x00K\x09K\x03e", b"K\x03K\x00K\x09e");
    refused(
        read(&labels),
        "Shape",
        &["'labels'", "3 labels", "wanted 4"],
    );
    let label = replaced(
        b"K\x03K\x00K\x09K\x03e",
        b"K\x03J\xff\xff\xff\xffK\x09K\x03e",
    );
    refused(
        read(&label),
        "Value",
        &["label of image 1", "got -1", "0 to 9"],
    );
    let text = replaced(b"K\x03K\x00K\x09K\x03e", b"K\x03U\x01aK\x09K\x03e");
    refused(read(&text), "Damaged", &["'labels'", "a list of integers"]);
}

#[test]
fn every_truncation_is_refused_without_a_panic() {
    let batch = batch();
    // Around the structure every byte, in the middle of the pixels a few.
    let ends = (0..400)
        .chain((400..batch.len() - 300).step_by(997))
        .chain(batch.len() - 300..batch.len());
    for end in ends {
        let result = read(&batch[..end]);
        assert!(result.is_err(), "accepted {end} of {} bytes", batch.len());
    }
}

#[test]
fn memory_is_bounded() {
    // Ten million empty lists in ten megabytes.
    let mut many = b"\x80\x02(".to_vec();
    many.resize(10_000_000, b']');
    refused(read(&many), "TooLarge", &["more than 4000000 values"]);
    // One text, encoded again and again: each call costs five bytes and makes a megabyte.
    let mut again = b"\x80\x02(c_codecs\nencode\nq\x01U\x06latin1q\x02X\x00\x00\x10\x00".to_vec();
    again.resize(again.len() + (1 << 20), b'a');
    again.extend_from_slice(b"q\x03");
    for _ in 0..10_000 {
        again.extend_from_slice(b"h\x01h\x03h\x02\x86R");
    }
    refused(read(&again), "TooLarge", &["beyond the size of the file"]);
}
