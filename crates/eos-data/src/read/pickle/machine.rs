//! The stack machine: one method an opcode family, none of which can do more than build a value.

use super::{Callable, Id, State, Value};
use crate::error::{DataError, Fault};
use std::{borrow::Cow, collections::HashMap, path::Path};

/// Ten times what the largest CIFAR file pushes: a limit on what a hostile file can cost.
const MOST_PUSHES: usize = 4_000_000;

#[derive(Debug)]
pub(super) struct Machine<'a, 'p> {
    path: &'p Path,
    bytes: &'a [u8],
    at: usize,
    pub(super) values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at each open MARK.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    pushes: usize,
    /// Bytes that functions made anew, which may not exceed those of the file.
    made: usize,
}

impl<'a, 'p> Machine<'a, 'p> {
    pub(super) fn new(path: &'p Path, bytes: &'a [u8]) -> Self {
        Self {
            path,
            bytes,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            pushes: 0,
            made: 0,
        }
    }

    /// Runs to STOP, which must be the last byte, and gives the value left on the stack.
    pub(super) fn run(&mut self) -> Result<Id, DataError> {
        let protocol = match self.take(2)? {
            [0x80, protocol @ 2..=5] => *protocol,
            other => {
                return Err(self
                    .fault(format!("{other:02x?}"))
                    .wanted("80 and a protocol from 2 to 5")
                    .unsupported());
            }
        };
        loop {
            let opcode = self.byte()?;
            if opcode == b'.' {
                break;
            }
            self.step(opcode, protocol)?;
        }
        if self.at != self.bytes.len() {
            return Err(self.broken("bytes after the end of the pickle"));
        }
        self.pop()
    }

    fn step(&mut self, opcode: u8, protocol: u8) -> Result<(), DataError> {
        match opcode {
            // FRAME only announces a length.
            0x95 => self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'N' => self.push(Value::Other),
            0x88 | 0x89 => self.push(Value::Int(i64::from(opcode == 0x88))),
            b'J' | b'K' | b'M' | b'G' | 0x8a => self.number(opcode),
            b'T' | b'U' | b'B' | b'C' | 0x8e | 0x96 => self.byte_string(opcode),
            b'X' | 0x8c | 0x8d => self.text(opcode),
            b']' | b')' => self.push(Value::Sequence(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b'a' | b'e' | b's' | b'u' => self.extend(opcode),
            b't' | 0x85..=0x87 => self.tuple(opcode),
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.remember(opcode),
            b'c' | 0x93 => self.name(opcode),
            b'R' => self.reduce(),
            b'b' => self.build(),
            _ => Err(self
                .fault(format!("opcode {opcode:#04x}"))
                .wanted(format!(
                    "one that plain data and arrays of protocol {protocol} need"
                ))
                .unsupported()),
        }
    }

    fn number(&mut self, opcode: u8) -> Result<(), DataError> {
        let value = match opcode {
            b'J' => Value::Int(i64::from(i32::from_le_bytes(self.array()?))),
            b'K' => Value::Int(i64::from(self.byte()?)),
            b'M' => Value::Int(i64::from(u16::from_le_bytes(self.array()?))),
            // A float, big-endian: never needed.
            b'G' => {
                self.take(8)?;
                Value::Other
            }
            // LONG1: a length, then so many bytes in two's complement.
            _ => {
                let len = usize::from(self.byte()?);
                long(self.take(len)?)
            }
        };
        self.push(value)
    }

    fn byte_string(&mut self, opcode: u8) -> Result<(), DataError> {
        let bytes = self.counted(match opcode {
            b'U' | b'C' => 1,
            b'T' | b'B' => 4,
            _ => 8,
        })?;
        self.push(Value::Bytes(Cow::Borrowed(bytes)))
    }

    fn text(&mut self, opcode: u8) -> Result<(), DataError> {
        let bytes = self.counted(match opcode {
            0x8c => 1,
            b'X' => 4,
            _ => 8,
        })?;
        let text = std::str::from_utf8(bytes).map_err(|_| self.broken("text that is not UTF-8"))?;
        self.push(Value::Text(text))
    }

    /// APPEND, APPENDS, SETITEM, SETITEMS.
    fn extend(&mut self, opcode: u8) -> Result<(), DataError> {
        let items = match opcode {
            b'a' => self.pop_many(1)?,
            b's' => self.pop_many(2)?,
            _ => self.pop_to_mark()?,
        };
        let target = *self.stack.last().ok_or_else(|| self.underflow())?;
        match (&mut self.values[target], opcode) {
            (Value::Sequence(list), b'a' | b'e') => list.extend(items),
            (Value::Dict(entries), b's' | b'u') if items.len().is_multiple_of(2) => {
                entries.extend(items);
            }
            _ => return Err(self.broken("items for a value that cannot hold them")),
        }
        Ok(())
    }

    fn tuple(&mut self, opcode: u8) -> Result<(), DataError> {
        let items = match opcode {
            b't' => self.pop_to_mark()?,
            _ => self.pop_many(usize::from(opcode - 0x84))?,
        };
        self.push(Value::Sequence(items))
    }

    /// The memo: PUTs and MEMOIZE keep the top of the stack, GETs push what was kept.
    fn remember(&mut self, opcode: u8) -> Result<(), DataError> {
        let key = match opcode {
            b'q' | b'h' => u32::from(self.byte()?),
            b'r' | b'j' => u32::from_le_bytes(self.array()?),
            _ => self.memo.len() as u32,
        };
        if opcode == b'h' || opcode == b'j' {
            let id = self.memo.get(&key).copied();
            let id = id.ok_or_else(|| self.broken("a reference to nothing"))?;
            return self.push_id(id);
        }
        let top = *self.stack.last().ok_or_else(|| self.underflow())?;
        self.memo.insert(key, top);
        Ok(())
    }

    /// GLOBAL and STACK_GLOBAL: a name of one of the known functions.
    fn name(&mut self, opcode: u8) -> Result<(), DataError> {
        let (module, name) = if opcode == b'c' {
            (self.line()?, self.line()?)
        } else {
            let [module, name] = self.pop_many(2)?[..] else {
                return Err(self.underflow());
            };
            match (&self.values[module], &self.values[name]) {
                (Value::Text(module), Value::Text(name)) => (*module, *name),
                _ => return Err(self.broken("a name that is no text")),
            }
        };
        let callable = Callable::named(module, name).ok_or_else(|| {
            self.fault(format!("the name {module}.{name}"))
                .wanted("plain data and NumPy arrays; nothing else is ever called")
                .unsupported()
        })?;
        self.push(Value::Callable(callable))
    }

    fn reduce(&mut self) -> Result<(), DataError> {
        let [callable, arguments] = self.pop_many(2)?[..] else {
            return Err(self.underflow());
        };
        let (Value::Callable(callable), Value::Sequence(arguments)) =
            (&self.values[callable], &self.values[arguments])
        else {
            return Err(self.broken("a call of something that is no function"));
        };
        let made = match (callable, arguments.as_slice()) {
            (Callable::Reconstruct, _) => Some(Value::Array(None)),
            (Callable::Dtype, [name, ..]) => {
                self.bytes_of(*name).map(|name| Value::Dtype(name.to_vec()))
            }
            (Callable::Encode, [text, _codec]) => self.latin1(*text)?.map(Value::Bytes),
            (Callable::FromBuffer, &[bytes, dtype, shape, order]) => {
                self.state(shape, dtype, bytes).map(|mut state| {
                    state.column_major = self.bytes_of(order) != Some(b"C");
                    Value::Array(Some(state))
                })
            }
            _ => None,
        };
        let made = made.ok_or_else(|| self.broken("a call with arguments that do not fit"))?;
        self.push(made)
    }

    /// BUILD: gives an array its state; an item type's state adds nothing for bytes.
    fn build(&mut self) -> Result<(), DataError> {
        let state = self.pop()?;
        let target = *self.stack.last().ok_or_else(|| self.underflow())?;
        match &self.values[target] {
            Value::Dtype(_) => return Ok(()),
            Value::Array(None) => {}
            _ => return Err(self.broken("a state for a value that takes none")),
        }
        let state = match &self.values[state] {
            // (version, shape, item type, column-major, bytes)
            Value::Sequence(parts) => match parts[..] {
                [_, shape, dtype, order, bytes] => {
                    self.state(shape, dtype, bytes).map(|mut state| {
                        state.column_major = !matches!(self.values[order], Value::Int(0));
                        state
                    })
                }
                _ => None,
            },
            _ => None,
        };
        let state = state.ok_or_else(|| self.broken("an array's state that is none"))?;
        self.values[target] = Value::Array(Some(state));
        Ok(())
    }

    fn state(&self, shape: Id, dtype: Id, bytes: Id) -> Option<State> {
        let Value::Sequence(sides) = &self.values[shape] else {
            return None;
        };
        let side = |id: &Id| match self.values[*id] {
            Value::Int(side) => u64::try_from(side).ok(),
            _ => None,
        };
        Some(State {
            shape: sides.iter().map(side).collect::<Option<_>>()?,
            dtype,
            column_major: false,
            bytes,
        })
    }

    /// A string of either version of Python.
    fn bytes_of(&self, id: Id) -> Option<&[u8]> {
        match &self.values[id] {
            Value::Bytes(bytes) => Some(bytes),
            Value::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// The bytes whose values are the characters of a text, none where that is no text of bytes.
    fn latin1(&mut self, text: Id) -> Result<Option<Cow<'a, [u8]>>, DataError> {
        let Value::Text(text) = self.values[text] else {
            return Ok(None);
        };
        self.made += text.len();
        if self.made > self.bytes.len() {
            return Err(self
                .fault("values that grow beyond the size of the file")
                .wanted("plain data and arrays")
                .too_large());
        }
        let bytes = text.chars().map(|c| u8::try_from(u32::from(c)));
        Ok(bytes.collect::<Result<Vec<u8>, _>>().ok().map(Cow::Owned))
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), DataError> {
        self.values.push(value);
        self.push_id(self.values.len() - 1)
    }

    fn push_id(&mut self, id: Id) -> Result<(), DataError> {
        self.pushes += 1;
        if self.pushes > MOST_PUSHES {
            return Err(self
                .fault(format!("more than {MOST_PUSHES} values"))
                .wanted("as many as a batch of images has")
                .too_large());
        }
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, DataError> {
        Ok(self.pop_many(1)?[0])
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, DataError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(height) if height >= floor => Ok(self.stack.split_off(height)),
            _ => Err(self.underflow()),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, DataError> {
        // pop_many never goes below an open mark.
        let height = self.marks.pop().ok_or_else(|| self.underflow())?;
        Ok(self.stack.split_off(height))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DataError> {
        let end = self
            .at
            .checked_add(len)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.broken("its end in the middle of a value"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("take gives as many as asked"))
    }

    fn byte(&mut self) -> Result<u8, DataError> {
        Ok(self.take(1)?[0])
    }

    /// So many bytes as a length of `width` bytes before them says.
    fn counted(&mut self, width: usize) -> Result<&'a [u8], DataError> {
        let length = self.take(width)?;
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(length);
        // A length beyond usize is beyond any file as well.
        self.take(usize::try_from(u64::from_le_bytes(wide)).unwrap_or(usize::MAX))
    }

    /// Text up to the next newline.
    fn line(&mut self) -> Result<&'a str, DataError> {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().position(|byte| *byte == b'\n');
        let line = len.and_then(|len| std::str::from_utf8(&rest[..len]).ok());
        let line = line.ok_or_else(|| self.broken("a name without an end"))?;
        self.at += line.len() + 1;
        Ok(line)
    }

    fn fault(&self, got: impl Into<String>) -> Fault {
        Fault::file(self.path, format!("pickle at byte {}", self.at))
            .got(got)
            .next("check where the file comes from; CIFAR's python version is wanted")
    }

    fn broken(&self, got: &str) -> DataError {
        self.fault(got).wanted("a whole pickle").damaged()
    }

    fn underflow(&self) -> DataError {
        self.broken("an operation on values that are not there")
    }
}

/// A little-endian number in two's complement, where it fits into 64 bits.
fn long(bytes: &[u8]) -> Value<'static> {
    if bytes.len() > 8 {
        return Value::Other;
    }
    let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(wide))
}
