//! Python's own `pickle` on the other side.

use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use super::*;

/// Debian's, which has fail2ban's classes.
const PYTHON: &str = "/usr/bin/python3";

/// Runs a program of Python and has it speak to `with`; it ends well if it found nothing wrong.
fn python(program: &str, args: &[&str], with: impl FnOnce(ChildStdin, ChildStdout)) {
    let mut command = Command::new(PYTHON);
    command.arg("-c").arg(program).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    with(child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Sends random values in each protocol, and compares with them what comes back.
const RANDOM: &str = r#"
import pickle, random, sys
MARKER = b'<F2B_END_COMMAND>'
TEXTS = ['', 'ping', '198.51.100.1', 'a\nb\\c\\u0041\0\r\x1a', 'é€😀\x7f\xff', '<F2B_END_COMMAND>', 'x' * 300, 'y' * 70000,
         "it's \"q\"", '\\', '\\\\u0041']
chance = random.Random(int(sys.argv[1]))

def value(protocol, depth):
    kinds = ['none', 'bool', 'int', 'float', 'text'] + ['list', 'tuple', 'dict', 'twice'] * (depth > 0)
    if protocol >= 3: kinds.append('bytes')
    if protocol >= 4: kinds.append('set')
    kind = chance.choice(kinds)
    inner = lambda: [value(protocol, depth - 1) for _ in range(chance.choice([0, 1, 1, 2, 3, 4, 9]))]
    if kind == 'none': return None
    if kind == 'bool': return chance.random() < .5
    if kind == 'int': return chance.choice([-1, 1]) * (1 << chance.randrange(63)) + chance.randrange(-1, 2)
    if kind == 'float': return chance.choice([0.1, -0.0, 1e300, 5e-324, float('inf'), chance.random()])
    if kind == 'text': return chance.choice(TEXTS)
    if kind == 'bytes': return bytes(chance.randrange(256) for _ in range(chance.choice([0, 3, 300])))
    if kind == 'set': return set(chance.sample(TEXTS, chance.randrange(4)))
    if kind == 'list': return inner()
    if kind == 'tuple': return tuple(inner())
    if kind == 'dict': return dict(zip(chance.sample(TEXTS, 8), inner()))
    one = value(protocol, depth - 1)
    return [one, [one], one]

def same(a, b):
    if type(a) is not type(b): return False
    if isinstance(a, (list, tuple)): return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict): return same(list(a.items()), list(b.items()))
    return a == b if isinstance(a, set) else repr(a) == repr(b)

for number in range(150):
    for protocol in range(6):
        said = value(protocol, 4)
        sys.stdout.buffer.write(pickle.dumps(said, protocol) + MARKER)
        sys.stdout.buffer.flush()
        heard = pickle.load(sys.stdin.buffer)
        if sys.stdin.buffer.read(len(MARKER)) != MARKER: sys.exit('no marker')
        if not same(said, heard): sys.exit(f'protocol {protocol}: {said!r} became {heard!r}')
"#;

#[test]
fn python_and_f2b_understand_each_other() {
    for seed in ["1", "2"] {
        let mut protocols = [0; 6];
        python(RANDOM, &[seed], |mut stdin, mut stdout| {
            let mut frames = Frames::default();
            let mut piece = vec![0; 4096];
            loop {
                let len = stdout.read(&mut piece).unwrap();
                if len == 0 {
                    break;
                }
                frames.feed(&piece[..len]);
                while let Some(frame) = frames.frame().unwrap() {
                    let Frame::Request { value, protocol } = frame else { panic!("{frame:?}") };
                    protocols[usize::from(protocol)] += 1;
                    let reply = [encode(&value.unwrap(), protocol).as_slice(), MARKER].concat();
                    // Who found something wrong has gone, and says what.
                    if stdin.write_all(&reply).is_err() {
                        return;
                    }
                }
            }
        });
        // The highest of a connection counts: the first round has them all.
        assert_eq!(protocols, [0, 0, 3, 1, 1, 895]);
    }
}

/// Compares pairs of pickles, by what they are to Python.
const PAIRS: &str = r"
import pickle, sys
sys.path.insert(0, '/usr/lib/python3/dist-packages')
for line in sys.stdin:
    theirs, ours = (pickle.loads(bytes.fromhex(pickled)) for pickled in line.split())
    shown = lambda v: [shown(x) for x in v] if type(v) is tuple else (type(v), v.args) if isinstance(v, Exception) else repr(v)
    if shown(theirs) != shown(ours): sys.exit(f'{ours!r} in the place of {theirs!r}')
";

fn exception(module: &str, class: &str, text: &str) -> Value {
    let (module, class) = (module.to_owned(), class.to_owned());
    Value::Exception { module, class, args: vec![text.into()] }
}

fn done(value: Value) -> Value {
    Value::Tuple(vec![Value::Int(0), value])
}

fn failed(value: Value) -> Value {
    Value::Tuple(vec![Value::Int(1), value])
}

fn pair(name: &str, value: impl Into<Value>) -> Value {
    Value::Tuple(vec![name.into(), value.into()])
}

/// Replies of fail2ban 1.0.2, with ours in their place.
fn replies() -> Vec<(&'static str, Value)> {
    let jail = |name: &str, banned: &[&str]| Value::Dict(vec![(name.into(), texts(banned))]);
    let unknown = "80059541000000000000004b018c136661696c3262616e2e657863657074696f6e73948c14556e6b6e6f776e4a\
                   61696c457863657074696f6e9493948c066e6f6a61696c948594529486942e";
    let banned = "80059541000000000000004b005d94287d948c026a31945d948c086275696c74696e73948c037374729493948c09\
                  3139322e302e322e31948594529461737d948c026a32945d94736586942e";
    let invalid = "80059534000000000000004b018c086275696c74696e73948c09457863657074696f6e9493948c0f496e76616c\
                   696420636f6d6d616e64948594529486942e";
    let index = "8005953d000000000000004b018c086275696c74696e73948c0a496e6465784572726f729493948c176c697374\
                 20696e646578206f7574206f662072616e6765948594529486942e";
    let status = "80059535000000000000004b005d94288c0e4e756d626572206f66206a61696c944b0286948c094a61696c206c\
                  697374948c066a312c206a329486946586942e";
    vec![
        ("8005950c000000000000004b008c04706f6e679486942e", done("pong".into())),
        ("80059506000000000000004b004e86942e", done(Value::None)),
        ("80059506000000000000004b008886942e", done(true.into())),
        ("80059508000000000000004b004d580286942e", done(600.into())),
        ("8005950e000000000000004b00473ff800000000000086942e", done(Value::Float(1.5))),
        (status, done(Value::List(vec![pair("Number of jail", 2), pair("Jail list", "j1, j2")]))),
        (banned, done(Value::List(vec![jail("j1", &["192.0.2.1"]), jail("j2", &[])]))),
        (
            "8005951c000000000000004b004e8c1144656661756c74204465746563746f727394869486942e",
            done(Value::Tuple(vec![Value::None, "Default Detectors".into()])),
        ),
        (unknown, failed(exception("fail2ban.exceptions", "UnknownJailException", "nojail"))),
        (invalid, failed(exception("builtins", "Exception", "Invalid command"))),
        (index, failed(exception("builtins", "IndexError", "list index out of range"))),
        (
            "8005951b000000000000008c174552524f523a2052616e206f7574206f6620696e707574942e",
            "ERROR: Ran out of input".into(),
        ),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[test]
fn replies_are_to_python_what_fail2bans_are() {
    for protocol in PROTOCOL_MIN..=PROTOCOL_MAX {
        python(PAIRS, &[], |mut stdin, _| {
            for (theirs, ours) in replies() {
                writeln!(stdin, "{theirs} {}", hex(&encode(&ours, protocol))).unwrap();
            }
        });
    }
}

/// As an exporter reads them: whatever fails in it is an error of the whole.
#[test]
fn replies_are_plain_to_a_reader_that_knows_no_classes() {
    for (_, ours) in replies() {
        for protocol in PROTOCOL_MIN..=PROTOCOL_MAX {
            let read = reader::read(&encode(&ours, protocol));
            let is_exception = matches!(&ours, Value::Tuple(parts) if parts[0] == Value::Int(1));
            assert_eq!(read.ok(), (!is_exception).then(|| ours.clone()));
        }
    }
}
