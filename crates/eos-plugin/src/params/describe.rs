//! Writes the description of parameters as TOML, while the plugin is compiled: an entry is a
//! constant, so its text has to be one.

use super::{Field, Kind, Literal, Range};

/// Bytes of the description of `fields`.
pub const fn length(fields: &[Field]) -> usize {
    write::<0>(fields).len
}

/// The description of `fields`, in exactly `N` bytes of UTF-8.
///
/// # Panics
/// While compiling, where `N` is not [`length`] or a number is not written as TOML writes it.
pub const fn render<const N: usize>(fields: &[Field]) -> [u8; N] {
    let text = write::<N>(fields);
    assert!(text.len == N, "N is the length of the description");
    text.bytes
}

/// `default`, which has to be one of `choices`.
///
/// # Panics
/// While compiling, where it is not.
pub const fn one_of(default: &'static str, choices: &[&str]) -> &'static str {
    let mut i = 0;
    while i < choices.len() {
        if same(default.as_bytes(), choices[i].as_bytes()) {
            return default;
        }
        i += 1;
    }
    panic!("the default is none of the choices");
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

/// Text as far as it fits, and the length that it would have.
struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

const fn write<const N: usize>(fields: &[Field]) -> Text<N> {
    let mut out = Text {
        bytes: [0; N],
        len: 0,
    };
    let mut i = 0;
    while i < fields.len() {
        if i > 0 {
            out.plain("\n");
        }
        out.field(&fields[i]);
        i += 1;
    }
    out
}

impl<const N: usize> Text<N> {
    const fn field(&mut self, field: &Field) {
        self.plain("[");
        self.key(field.name);
        self.plain("]\n");
        match &field.kind {
            Kind::Int(Range { default, min, max }) => {
                self.line("type", "\"int\"");
                self.number(default.text);
                self.limits(limit(min), limit(max));
            }
            Kind::Float(Range { default, min, max }) => {
                self.line("type", "\"float\"");
                self.number(default.text);
                self.limits(limit(min), limit(max));
            }
            Kind::Bool { default } => {
                self.line("type", "\"bool\"");
                self.line("default", if *default { "true" } else { "false" });
            }
            Kind::Text { default } => {
                self.line("type", "\"text\"");
                self.quoted_line("default", default);
            }
            Kind::Choice { default, choices } => {
                self.line("type", "\"choice\"");
                self.quoted_line("default", default);
                self.choices(choices);
            }
        }
        self.quoted_line("doc", field.doc);
    }

    const fn number(&mut self, text: &str) {
        check_number(text);
        self.line("default", text);
    }

    const fn limits(&mut self, min: Option<&str>, max: Option<&str>) {
        if let Some(min) = min {
            check_number(min);
            self.line("min", min);
        }
        if let Some(max) = max {
            check_number(max);
            self.line("max", max);
        }
    }

    const fn choices(&mut self, choices: &[&str]) {
        self.plain("choices = [");
        let mut i = 0;
        while i < choices.len() {
            self.plain(if i > 0 { ", " } else { "" });
            self.quoted(choices[i]);
            i += 1;
        }
        self.plain("]\n");
    }

    const fn line(&mut self, key: &str, value: &str) {
        self.plain(key);
        self.plain(" = ");
        self.plain(value);
        self.plain("\n");
    }

    const fn quoted_line(&mut self, key: &str, value: &str) {
        self.plain(key);
        self.plain(" = ");
        self.quoted(value);
        self.plain("\n");
    }

    /// A TOML basic string.
    const fn quoted(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let bytes = text.as_bytes();
        self.byte(b'"');
        let mut i = 0;
        while i < bytes.len() {
            match bytes[i] {
                b @ (b'"' | b'\\') => {
                    self.byte(b'\\');
                    self.byte(b);
                }
                b if b < 0x20 || b == 0x7f => {
                    self.plain("\\u00");
                    self.byte(HEX[(b >> 4) as usize]);
                    self.byte(HEX[(b & 15) as usize]);
                }
                b => self.byte(b),
            }
            i += 1;
        }
        self.byte(b'"');
    }

    const fn key(&mut self, name: &str) {
        let bytes = name.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.byte(if bytes[i] == b'_' { b'-' } else { bytes[i] });
            i += 1;
        }
    }

    const fn plain(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.byte(bytes[i]);
            i += 1;
        }
    }

    const fn byte(&mut self, byte: u8) {
        if self.len < N {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
    }
}

const fn limit<T: Copy>(limit: &Option<Literal<T>>) -> Option<&'static str> {
    match limit {
        Some(limit) => Some(limit.text),
        None => None,
    }
}

/// Rust writes some numbers as TOML does not: `1.`, `0.5f64`.
const fn check_number(text: &str) {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let fits = matches!(
            bytes[i],
            b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E' | b'_'
        );
        assert!(fits, "write the number as TOML does: digits, no suffix");
        i += 1;
    }
    assert!(
        bytes[bytes.len() - 1] != b'.',
        "write the number as TOML does: 1.0, not 1."
    );
}
