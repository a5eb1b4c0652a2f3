//! A reader as simple as those of exporters in Go: the instructions of fail2ban's own replies and those of protocol 2,
//! and no class but `builtins.str`.

use super::*;

enum Slot {
    Mark,
    Str,
    Value(Value),
}

pub(super) fn read(pickle: &[u8]) -> Result<Value, String> {
    let mut rest = pickle;
    let mut stack: Vec<Slot> = Vec::new();
    let take = |rest: &mut &[u8], len: usize| {
        let (taken, after) = rest.split_at(len);
        *rest = after;
        taken.to_vec()
    };
    let size =
        |bytes: &[u8]| bytes.iter().rev().fold(0, |size, byte| size << 8 | usize::from(*byte));
    loop {
        let code = take(&mut rest, 1)[0];
        let made = match code {
            0x80 => {
                take(&mut rest, 1);
                continue;
            }
            b'(' => Slot::Mark,
            b'N' => Slot::Value(Value::None),
            0x88 => Slot::Value(true.into()),
            0x89 => Slot::Value(false.into()),
            b'K' => Slot::Value(i64::from(take(&mut rest, 1)[0]).into()),
            b'M' => {
                let number = take(&mut rest, 2).try_into().unwrap();
                Slot::Value(i64::from(u16::from_le_bytes(number)).into())
            }
            b'J' => {
                let number = take(&mut rest, 4).try_into().unwrap();
                Slot::Value(i64::from(i32::from_le_bytes(number)).into())
            }
            b'G' => {
                let number = take(&mut rest, 8).try_into().unwrap();
                Slot::Value(Value::Float(f64::from_be_bytes(number)))
            }
            b'X' | 0x8c => {
                let len = size(&take(&mut rest, if code == b'X' { 4 } else { 1 }));
                Slot::Value(String::from_utf8(take(&mut rest, len)).unwrap().into())
            }
            b']' => Slot::Value(Value::List(Vec::new())),
            b'}' => Slot::Value(Value::Dict(Vec::new())),
            b')' => Slot::Value(Value::Tuple(Vec::new())),
            0x85..=0x87 => {
                let from = stack.len() - usize::from(code - 0x84);
                Slot::Value(Value::Tuple(stack.split_off(from).into_iter().map(value).collect()))
            }
            b't' => Slot::Value(Value::Tuple(since_mark(&mut stack))),
            b'e' | b'u' => {
                let mut members = since_mark(&mut stack).into_iter();
                match stack.last_mut() {
                    Some(Slot::Value(Value::List(list))) => list.extend(members),
                    Some(Slot::Value(Value::Dict(dict))) => {
                        while let (Some(key), Some(value)) = (members.next(), members.next()) {
                            dict.push((key, value));
                        }
                    }
                    _ => return Err("members of nothing".to_owned()),
                }
                continue;
            }
            0x93 => match (value(stack.pop().unwrap()), value(stack.pop().unwrap())) {
                (Value::Text(class), Value::Text(module))
                    if (&*module, &*class) == ("builtins", "str") =>
                {
                    Slot::Str
                }
                other => return Err(format!("class {other:?}")),
            },
            b'R' => {
                let args = value(stack.pop().unwrap());
                assert!(matches!(stack.pop(), Some(Slot::Str)));
                let Value::Tuple(mut args) = args else { return Err("no arguments".to_owned()) };
                Slot::Value(args.remove(0))
            }
            b'.' => return Ok(value(stack.pop().unwrap())),
            _ => return Err(format!("instruction {code:#x}")),
        };
        stack.push(made);
    }
}

fn value(slot: Slot) -> Value {
    match slot {
        Slot::Value(value) => value,
        Slot::Mark | Slot::Str => panic!("no value"),
    }
}

fn since_mark(stack: &mut Vec<Slot>) -> Vec<Value> {
    let mark = stack.iter().rposition(|slot| matches!(slot, Slot::Mark)).unwrap();
    stack.split_off(mark).into_iter().skip(1).map(value).collect()
}
