//! Values to bytes.

use super::opcode::op;
use crate::compat::Value;

/// The pickle of a value, in a protocol from [`PROTOCOL_MIN`](super::PROTOCOL_MIN) to
/// [`PROTOCOL_MAX`](super::PROTOCOL_MAX).
///
/// Nothing is remembered and repeated, and there are no frames: Python's own pickles have both, no reader needs them.
/// Addresses are plain texts: fail2ban's server sends an object that makes one when it is read. Sets and bytes are
/// written as they are since Python 3.4: nobody can ask for them in an older protocol.
pub fn encode(value: &Value, protocol: u8) -> Vec<u8> {
    let mut pickle = vec![op::PROTO, protocol];
    Writer { protocol, out: &mut pickle }.value(value);
    pickle.push(op::STOP);
    pickle
}

struct Writer<'o> {
    protocol: u8,
    out: &'o mut Vec<u8>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) {
        match value {
            Value::None => self.out.push(op::NONE),
            Value::Bool(truth) => self.out.push(if *truth { op::NEWTRUE } else { op::NEWFALSE }),
            Value::Int(number) => self.int(*number),
            Value::Float(number) => {
                self.out.push(op::BINFLOAT);
                self.out.extend(number.to_be_bytes());
            }
            Value::Text(text) => self.text(text),
            Value::Bytes(bytes) => {
                self.counted(op::SHORT_BINBYTES, op::BINBYTES, op::BINBYTES8, bytes);
            }
            Value::List(members) => {
                self.out.push(op::EMPTY_LIST);
                self.members(members, op::APPENDS);
            }
            Value::Set(members) => {
                self.out.push(op::EMPTY_SET);
                self.members(members, op::ADDITEMS);
            }
            Value::Dict(pairs) => {
                self.out.push(op::EMPTY_DICT);
                if !pairs.is_empty() {
                    self.out.push(op::MARK);
                    for (key, value) in pairs {
                        self.value(key);
                        self.value(value);
                    }
                    self.out.push(op::SETITEMS);
                }
            }
            Value::Tuple(members) => self.tuple(members),
            Value::Exception { module, class, args } => {
                self.class(module, class);
                self.tuple(args);
                self.out.push(op::REDUCE);
            }
        }
    }

    fn members(&mut self, members: &[Value], end: u8) {
        if !members.is_empty() {
            self.out.push(op::MARK);
            for member in members {
                self.value(member);
            }
            self.out.push(end);
        }
    }

    fn tuple(&mut self, members: &[Value]) {
        let end = match members.len() {
            0 => op::EMPTY_TUPLE,
            1 => op::TUPLE1,
            2 => op::TUPLE2,
            3 => op::TUPLE3,
            _ => {
                self.out.push(op::MARK);
                op::TUPLE
            }
        };
        for member in members {
            self.value(member);
        }
        self.out.push(end);
    }

    fn int(&mut self, number: i64) {
        if let Ok(number) = u8::try_from(number) {
            self.out.extend([op::BININT1, number]);
        } else if let Ok(number) = u16::try_from(number) {
            self.out.push(op::BININT2);
            self.out.extend(number.to_le_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.out.push(op::BININT);
            self.out.extend(number.to_le_bytes());
        } else {
            self.out.extend([op::LONG1, 8]);
            self.out.extend(number.to_le_bytes());
        }
    }

    fn text(&mut self, text: &str) {
        // The short form is of protocol 4.
        let short = if self.protocol >= 4 { op::SHORT_BINUNICODE } else { op::BINUNICODE };
        self.counted(short, op::BINUNICODE, op::BINUNICODE8, text.as_bytes());
    }

    /// `short` is not used if it is `long`.
    fn counted(&mut self, short: u8, long: u8, longest: u8, bytes: &[u8]) {
        if let Ok(len) = u8::try_from(bytes.len())
            && short != long
        {
            self.out.extend([short, len]);
        } else if let Ok(len) = u32::try_from(bytes.len()) {
            self.out.push(long);
            self.out.extend(len.to_le_bytes());
        } else {
            self.out.push(longest);
            self.out.extend((bytes.len() as u64).to_le_bytes());
        }
        self.out.extend_from_slice(bytes);
    }

    fn class(&mut self, module: &str, class: &str) {
        if self.protocol >= 4 {
            self.text(module);
            self.text(class);
            return self.out.push(op::STACK_GLOBAL);
        }
        // Python 2 had its exceptions elsewhere; Python 3 knows where, if the protocol is of that time.
        let module = match module {
            "builtins" if self.protocol < 3 => "exceptions",
            _ => module,
        };
        self.out.push(op::GLOBAL);
        for name in [module, class] {
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b'\n');
        }
    }
}
