//! The instructions of pickles, of all protocols: which there are, and where the next one begins.

use memchr::memchr;

use super::{Malformed, REQUEST_MAX};

/// Names as in Python's `pickletools`.
pub(super) mod op {
    pub(crate) const MARK: u8 = b'(';
    pub(crate) const STOP: u8 = b'.';
    pub(crate) const FLOAT: u8 = b'F';
    pub(crate) const INT: u8 = b'I';
    pub(crate) const BININT: u8 = b'J';
    pub(crate) const BININT1: u8 = b'K';
    pub(crate) const LONG: u8 = b'L';
    pub(crate) const BININT2: u8 = b'M';
    pub(crate) const NONE: u8 = b'N';
    pub(crate) const REDUCE: u8 = b'R';
    pub(crate) const BUILD: u8 = b'b';
    pub(crate) const STRING: u8 = b'S';
    pub(crate) const BINSTRING: u8 = b'T';
    pub(crate) const SHORT_BINSTRING: u8 = b'U';
    pub(crate) const UNICODE: u8 = b'V';
    pub(crate) const BINUNICODE: u8 = b'X';
    pub(crate) const APPEND: u8 = b'a';
    pub(crate) const GLOBAL: u8 = b'c';
    pub(crate) const DICT: u8 = b'd';
    pub(crate) const EMPTY_DICT: u8 = b'}';
    pub(crate) const APPENDS: u8 = b'e';
    pub(crate) const GET: u8 = b'g';
    pub(crate) const BINGET: u8 = b'h';
    pub(crate) const LONG_BINGET: u8 = b'j';
    pub(crate) const LIST: u8 = b'l';
    pub(crate) const EMPTY_LIST: u8 = b']';
    pub(crate) const PUT: u8 = b'p';
    pub(crate) const BINPUT: u8 = b'q';
    pub(crate) const LONG_BINPUT: u8 = b'r';
    pub(crate) const SETITEM: u8 = b's';
    pub(crate) const TUPLE: u8 = b't';
    pub(crate) const EMPTY_TUPLE: u8 = b')';
    pub(crate) const SETITEMS: u8 = b'u';
    pub(crate) const BINFLOAT: u8 = b'G';
    pub(crate) const BINBYTES: u8 = b'B';
    pub(crate) const SHORT_BINBYTES: u8 = b'C';
    pub(crate) const PROTO: u8 = 0x80;
    pub(crate) const TUPLE1: u8 = 0x85;
    pub(crate) const TUPLE2: u8 = 0x86;
    pub(crate) const TUPLE3: u8 = 0x87;
    pub(crate) const NEWTRUE: u8 = 0x88;
    pub(crate) const NEWFALSE: u8 = 0x89;
    pub(crate) const LONG1: u8 = 0x8a;
    pub(crate) const LONG4: u8 = 0x8b;
    pub(crate) const SHORT_BINUNICODE: u8 = 0x8c;
    pub(crate) const BINUNICODE8: u8 = 0x8d;
    pub(crate) const BINBYTES8: u8 = 0x8e;
    pub(crate) const EMPTY_SET: u8 = 0x8f;
    pub(crate) const ADDITEMS: u8 = 0x90;
    pub(crate) const STACK_GLOBAL: u8 = 0x93;
    pub(crate) const MEMOIZE: u8 = 0x94;
    pub(crate) const FRAME: u8 = 0x95;
}

/// What follows an instruction's byte.
#[derive(Clone, Copy)]
enum Shape {
    /// So many bytes.
    Bytes(usize),
    /// So many lines; their ends are not part of the argument's last line.
    Lines(u8),
    /// A length of so many bytes, little-endian, and as many bytes as it says.
    Counted(usize),
}

/// Also of those that are never followed: where a pickle ends doesn't depend on whether it is liked.
const fn shape(code: u8) -> Option<Shape> {
    use Shape::{Bytes, Counted, Lines};
    Some(match code {
        // MARK STOP POP POP_MARK DUP NONE BINPERSID REDUCE APPEND BUILD DICT EMPTY_DICT APPENDS LIST EMPTY_LIST OBJ
        // SETITEM TUPLE EMPTY_TUPLE SETITEMS; NEWOBJ TUPLE1-3 NEWTRUE NEWFALSE EMPTY_SET ADDITEMS FROZENSET NEWOBJ_EX
        // STACK_GLOBAL MEMOIZE NEXT_BUFFER READONLY_BUFFER
        b'('
        | b'.'
        | b'0'
        | b'1'
        | b'2'
        | b'N'
        | b'Q'
        | b'R'
        | b'a'
        | b'b'
        | b'd'
        | b'}'
        | b'e'
        | b'l'
        | b']'
        | b'o'
        | b's'
        | b't'
        | b')'
        | b'u'
        | 0x81
        | 0x85..=0x89
        | 0x8f..=0x94
        | 0x97
        | 0x98 => Bytes(0),
        // BININT1 BINGET BINPUT PROTO EXT1
        b'K' | b'h' | b'q' | 0x80 | 0x82 => Bytes(1),
        // BININT2 EXT2
        b'M' | 0x83 => Bytes(2),
        // BININT LONG_BINGET LONG_BINPUT EXT4
        b'J' | b'j' | b'r' | 0x84 => Bytes(4),
        // BINFLOAT FRAME
        b'G' | 0x95 => Bytes(8),
        // FLOAT INT LONG PERSID STRING UNICODE GET PUT
        b'F' | b'I' | b'L' | b'P' | b'S' | b'V' | b'g' | b'p' => Lines(1),
        // GLOBAL INST
        b'c' | b'i' => Lines(2),
        // SHORT_BINSTRING SHORT_BINBYTES LONG1 SHORT_BINUNICODE
        b'U' | b'C' | 0x8a | 0x8c => Counted(1),
        // BINSTRING BINUNICODE BINBYTES LONG4
        b'T' | b'X' | b'B' | 0x8b => Counted(4),
        // BINUNICODE8 BINBYTES8 BYTEARRAY8
        0x8d | 0x8e | 0x96 => Counted(8),
        _ => return None,
    })
}

/// An instruction with what belongs to it.
#[derive(Clone, Copy)]
pub(super) struct Instruction<'b> {
    pub(super) code: u8,
    /// Without the length that stands before it, and without the end of its line.
    pub(super) argument: &'b [u8],
    /// Where the next one begins.
    pub(super) end: usize,
}

/// The instruction that begins at `at`; `None` if the bytes end before it does.
pub(super) fn instruction(bytes: &[u8], at: usize) -> Result<Option<Instruction<'_>>, Malformed> {
    let Some(&code) = bytes.get(at) else { return Ok(None) };
    let shape = shape(code).ok_or(Malformed::Unknown(code))?;
    let start = at + 1;
    let (from, to, end) = match shape {
        Shape::Bytes(len) => (start, start + len, start + len),
        Shape::Counted(width) => {
            let Some(len) = bytes.get(start..start + width) else { return Ok(None) };
            let from = start + width;
            // What can't come is not waited for.
            let len = number(len).filter(|len| *len <= REQUEST_MAX).ok_or(Malformed::Truncated)?;
            (from, from + len, from + len)
        }
        Shape::Lines(lines) => {
            let mut end = start;
            for _ in 0..lines {
                let Some(len) = bytes.get(end..).and_then(|rest| memchr(b'\n', rest)) else {
                    return Ok(None);
                };
                end += len + 1;
            }
            (start, end - 1, end)
        }
    };
    let found = bytes.get(from..to);
    Ok(found.map(|argument| Instruction { code, argument, end }))
}

/// Whether what follows an instruction's byte ends with a line.
pub(super) fn is_in_lines(code: u8) -> bool {
    matches!(shape(code), Some(Shape::Lines(_)))
}

/// Little-endian, eight bytes at most; `None` beyond what can be addressed.
pub(super) fn number(bytes: &[u8]) -> Option<usize> {
    let mut wide = [0; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    usize::try_from(u64::from_le_bytes(wide)).ok()
}
