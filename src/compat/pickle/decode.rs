//! Bytes to values: the machine of Python's pickles, less all that calls.

use std::collections::HashMap;

use super::opcode::{Instruction, instruction, number, op};
use super::text::{quoted, raw_unicode};
use super::{DEPTH_MAX, Malformed, PROTOCOL_MAX, REQUEST_MAX, VALUES_MAX};
use crate::compat::Value;

/// The value that a pickle says; what follows its end is not looked at.
///
/// Texts that are not UTF-8 have U+FFFD where they aren't: Python sends so what it could not read on its command line.
/// Strings of bytes of Python 2 are texts. Keys of a dictionary and members of a set stand as often as they were said.
///
/// # Errors
///
/// It is none, or is not of plain values, or is beyond [`REQUEST_MAX`], [`VALUES_MAX`] or [`DEPTH_MAX`].
pub fn decode(pickle: &[u8]) -> Result<Value, Malformed> {
    run(pickle, Machine::default())
}

/// The same of a server's reply, in which there are exceptions, and texts that say what class they are.
///
/// Nothing is called for that either: an exception is its class and what it was made with.
///
/// # Errors
///
/// As [`decode`], of which the limits are those of a request.
pub fn decode_reply(pickle: &[u8]) -> Result<Value, Malformed> {
    run(pickle, Machine { is_reply: true, ..Machine::default() })
}

fn run(pickle: &[u8], mut machine: Machine) -> Result<Value, Malformed> {
    if pickle.is_empty() {
        return Err(Malformed::Empty);
    }
    let mut at = 0;
    while let Some(next) = instruction(pickle, at)? {
        if next.code == op::STOP {
            let root = machine.pop()?;
            return Whole { nodes: &machine.nodes, values: VALUES_MAX, bytes: REQUEST_MAX }
                .value(root, DEPTH_MAX);
        }
        machine.follow(next)?;
        at = next.end;
    }
    Err(Malformed::Truncated)
}

/// A value whose members are others, by number: so repeating one costs nothing, and a list that is still filled is
/// the same wherever it stands.
enum Node {
    Plain(Value),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set(Vec<Id>),
    /// Keys and values by turns.
    Dict(Vec<Id>),
    /// A class, in a reply.
    Class {
        module: String,
        name: String,
    },
    /// What a class was called with, in a reply.
    Called {
        class: Id,
        args: Id,
    },
}

type Id = u32;

#[derive(Default)]
struct Machine {
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
    /// Whether classes may be named.
    is_reply: bool,
}

impl Machine {
    fn follow(&mut self, next: Instruction<'_>) -> Result<(), Malformed> {
        let Instruction { code, argument, .. } = next;
        match code {
            op::PROTO => match argument {
                [0..=PROTOCOL_MAX] => Ok(()),
                _ => Err(Malformed::Protocol(argument.first().copied().unwrap_or_default())),
            },
            op::FRAME => Ok(()),
            op::MARK => {
                room(self.marks.len())?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            op::EMPTY_LIST => self.make(Node::List(Vec::new())),
            op::EMPTY_TUPLE => self.make(Node::Tuple(Vec::new())),
            op::EMPTY_DICT => self.make(Node::Dict(Vec::new())),
            op::EMPTY_SET => self.make(Node::Set(Vec::new())),
            op::LIST => self.gather(Node::List),
            op::TUPLE => self.gather(Node::Tuple),
            op::DICT => {
                let members = self.since_mark()?;
                whole_pairs(code, &members)?;
                self.make(Node::Dict(members))
            }
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => {
                let members = self.last(usize::from(code - op::TUPLE1) + 1)?;
                self.make(Node::Tuple(members))
            }
            op::APPEND => {
                let members = self.last(1)?;
                self.fill(code, members)
            }
            op::SETITEM => {
                let members = self.last(2)?;
                self.fill(code, members)
            }
            op::APPENDS | op::ADDITEMS | op::SETITEMS => {
                let members = self.since_mark()?;
                self.fill(code, members)
            }
            op::PUT | op::BINPUT | op::LONG_BINPUT => self.remember(memo_key(code, argument)?),
            op::MEMOIZE => self.remember(self.memo.len()),
            op::GET | op::BINGET | op::LONG_BINGET => {
                let key = memo_key(code, argument)?;
                let found = self.memo.get(&key).copied().ok_or(Malformed::Forgotten(key))?;
                self.push(found)
            }
            op::GLOBAL | op::STACK_GLOBAL | op::REDUCE | op::BUILD if self.is_reply => {
                self.name(code, argument)
            }
            _ => self.make(Node::Plain(plain(code, argument)?)),
        }
    }

    /// Names a class, or notes what it is called with.
    fn name(&mut self, code: u8, argument: &[u8]) -> Result<(), Malformed> {
        if code == op::BUILD {
            // What an exception has beside what it was made with.
            return self.pop().map(drop);
        }
        if code == op::GLOBAL {
            let text = String::from_utf8_lossy(argument);
            let (module, name) = text.split_once('\n').ok_or(Malformed::Unreadable(code))?;
            let name = name.strip_suffix('\n').unwrap_or(name);
            return self.make(Node::Class { module: module.to_owned(), name: name.to_owned() });
        }
        let [first, second] = self.last(2)?.try_into().map_err(|_| Malformed::Underflow)?;
        if code == op::REDUCE {
            return self.make(Node::Called { class: first, args: second });
        }
        let text = |id: Id| match self.nodes.get(id as usize) {
            Some(Node::Plain(Value::Text(text))) => Ok(text.clone()),
            _ => Err(Malformed::Unfit(code)),
        };
        let (module, name) = (text(first)?, text(second)?);
        self.make(Node::Class { module, name })
    }

    fn push(&mut self, id: Id) -> Result<(), Malformed> {
        room(self.stack.len())?;
        self.stack.push(id);
        Ok(())
    }

    fn make(&mut self, node: Node) -> Result<(), Malformed> {
        room(self.nodes.len())?;
        let id = Id::try_from(self.nodes.len()).map_err(|_| Malformed::TooMany)?;
        self.nodes.push(node);
        self.push(id)
    }

    /// The height below which nothing is to be taken: what stands before a mark is somebody else's.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or_default()
    }

    fn pop(&mut self) -> Result<Id, Malformed> {
        if self.stack.len() <= self.floor() {
            return Err(Malformed::Underflow);
        }
        self.stack.pop().ok_or(Malformed::Underflow)
    }

    fn last(&mut self, count: usize) -> Result<Vec<Id>, Malformed> {
        let from = self.stack.len().checked_sub(count).filter(|from| *from >= self.floor());
        Ok(self.stack.split_off(from.ok_or(Malformed::Underflow)?))
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, Malformed> {
        Ok(self.stack.split_off(self.marks.pop().ok_or(Malformed::Underflow)?))
    }

    fn gather(&mut self, kind: fn(Vec<Id>) -> Node) -> Result<(), Malformed> {
        let members = self.since_mark()?;
        self.make(kind(members))
    }

    /// Puts members into what is last on the stack, and stays there.
    fn fill(&mut self, code: u8, members: Vec<Id>) -> Result<(), Malformed> {
        let filled = self.pop()?;
        match (code, self.nodes.get_mut(filled as usize)) {
            (op::APPEND | op::APPENDS, Some(Node::List(list))) => list.extend(members),
            (op::ADDITEMS, Some(Node::Set(set))) => set.extend(members),
            (op::SETITEM | op::SETITEMS, Some(Node::Dict(dict))) => {
                whole_pairs(code, &members)?;
                dict.extend(members);
            }
            _ => return Err(Malformed::Unfit(code)),
        }
        self.push(filled)
    }

    fn remember(&mut self, key: usize) -> Result<(), Malformed> {
        room(self.memo.len())?;
        let last = self.pop()?;
        self.memo.insert(key, last);
        self.push(last)
    }
}

fn room(taken: usize) -> Result<(), Malformed> {
    if taken < VALUES_MAX { Ok(()) } else { Err(Malformed::TooMany) }
}

fn whole_pairs(code: u8, members: &[Id]) -> Result<(), Malformed> {
    if members.len().is_multiple_of(2) { Ok(()) } else { Err(Malformed::Unfit(code)) }
}

fn memo_key(code: u8, argument: &[u8]) -> Result<usize, Malformed> {
    let key = match code {
        op::PUT | op::GET => parsed(argument),
        _ => number(argument),
    };
    key.ok_or(Malformed::Unreadable(code))
}

/// A value without members.
fn plain(code: u8, argument: &[u8]) -> Result<Value, Malformed> {
    let value = match code {
        op::NONE => Some(Value::None),
        op::NEWTRUE => Some(Value::Bool(true)),
        op::NEWFALSE => Some(Value::Bool(false)),
        op::INT => match argument {
            b"00" => Some(Value::Bool(false)),
            b"01" => Some(Value::Bool(true)),
            _ => parsed(argument).map(Value::Int),
        },
        op::LONG => parsed(argument.strip_suffix(b"L").unwrap_or(argument)).map(Value::Int),
        op::BININT1 | op::BININT2 => {
            number(argument).and_then(|number| i64::try_from(number).ok()).map(Value::Int)
        }
        op::BININT | op::LONG1 | op::LONG4 => twos_complement(argument).map(Value::Int),
        op::FLOAT => parsed(argument).map(Value::Float),
        op::BINFLOAT => argument.try_into().ok().map(f64::from_be_bytes).map(Value::Float),
        op::UNICODE => raw_unicode(argument).map(Value::Text),
        op::STRING => quoted(argument).map(|bytes| text(&bytes)),
        op::BINSTRING
        | op::SHORT_BINSTRING
        | op::SHORT_BINUNICODE
        | op::BINUNICODE
        | op::BINUNICODE8 => Some(text(argument)),
        op::SHORT_BINBYTES | op::BINBYTES | op::BINBYTES8 => Some(Value::Bytes(argument.to_vec())),
        _ => return Err(Malformed::Forbidden(code)),
    };
    value.ok_or(Malformed::Unreadable(code))
}

fn text(bytes: &[u8]) -> Value {
    Value::Text(String::from_utf8_lossy(bytes).into_owned())
}

fn parsed<T: std::str::FromStr>(argument: &[u8]) -> Option<T> {
    std::str::from_utf8(argument).ok()?.trim().parse().ok()
}

/// Little-endian; `None` beyond 64 bits.
fn twos_complement(bytes: &[u8]) -> Option<i64> {
    let is_negative = bytes.last().is_some_and(|last| *last >= 0x80);
    let mut wide = if is_negative { [0xff; 8] } else { [0; 8] };
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}

/// Makes a value whole, and counts what it copies: a few hundred bytes can repeat lists of lists a billion times.
struct Whole<'m> {
    nodes: &'m [Node],
    /// So many more.
    values: usize,
    /// So much more text.
    bytes: usize,
}

impl Whole<'_> {
    fn value(&mut self, id: Id, depth: usize) -> Result<Value, Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed::TooDeep)?;
        match self.nodes.get(id as usize).ok_or(Malformed::Underflow)? {
            Node::Plain(value) => self.copy(value),
            Node::List(members) => Ok(Value::List(self.members(members, depth)?)),
            Node::Tuple(members) => Ok(Value::Tuple(self.members(members, depth)?)),
            Node::Set(members) => Ok(Value::Set(self.members(members, depth)?)),
            Node::Dict(members) => {
                let mut members = self.members(members, depth)?.into_iter();
                let mut pairs = Vec::with_capacity(members.len() / 2);
                while let (Some(key), Some(value)) = (members.next(), members.next()) {
                    pairs.push((key, value));
                }
                Ok(Value::Dict(pairs))
            }
            Node::Class { .. } => Err(Malformed::Unfit(op::STACK_GLOBAL)),
            Node::Called { class, args } => self.called(*class, *args, depth),
        }
    }

    /// An exception; a text that says that it is one is no other than those that don't.
    fn called(&mut self, class: Id, args: Id, depth: usize) -> Result<Value, Malformed> {
        let unfit = Malformed::Unfit(op::REDUCE);
        let (Some(Node::Class { module, name }), Some(Node::Tuple(args))) =
            (self.nodes.get(class as usize), self.nodes.get(args as usize))
        else {
            return Err(unfit);
        };
        let args = self.members(args, depth)?;
        match (module.as_str(), name.as_str(), args.as_slice()) {
            ("builtins" | "__builtin__", "str" | "unicode", [text @ Value::Text(_)]) => {
                Ok(text.clone())
            }
            _ => Ok(Value::Exception { module: module.clone(), class: name.clone(), args }),
        }
    }

    /// Pays for all members before there is room made for them.
    fn members(&mut self, members: &[Id], depth: usize) -> Result<Vec<Value>, Malformed> {
        self.values = self.values.checked_sub(members.len()).ok_or(Malformed::TooMany)?;
        members.iter().map(|member| self.value(*member, depth)).collect()
    }

    fn copy(&mut self, value: &Value) -> Result<Value, Malformed> {
        let len = match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        self.bytes = self.bytes.checked_sub(len).ok_or(Malformed::TooMany)?;
        Ok(value.clone())
    }
}
