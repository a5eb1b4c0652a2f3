use super::*;
use crate::compat::Value;

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn texts(texts: &[&str]) -> Value {
    Value::List(texts.iter().copied().map(Value::from).collect())
}

/// The bytes of `fail2ban-client` 1.0.2, and of other protocols.
#[test]
fn requests_of_fail2bans_client_are_read() {
    let banip = "80059524000000000000005d94288c03736574948c026a31948c0562616e6970948c09\
                 3139322e302e322e3194652e";
    let requests = [
        ("8005950b000000000000005d948c0470696e6794612e", texts(&["ping"])),
        ("8005950d000000000000005d948c0673746174757394612e", texts(&["status"])),
        ("80059513000000000000005d94288c06737461747573948c026a3194652e", texts(&["status", "j1"])),
        (banip, texts(&["set", "j1", "banip", "192.0.2.1"])),
        ("80025d7100580400000070696e677101612e", texts(&["ping"])),
        (
            "80059515000000000000005d94288c0470696e6794473fb999999999999a652e",
            Value::List(vec!["ping".into(), Value::Float(0.1)]),
        ),
    ];
    for (hex, value) in requests {
        assert_eq!(decode(&bytes(hex)), Ok(value), "{hex}");
    }
}

#[test]
fn what_would_call_something_is_refused() {
    let calls: [(&[u8], u8); 9] = [
        (b"cos\nsystem\n(Vid\ntR.", b'c'),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", 0x93),
        (b"(ios\nsystem\n.", b'i'),
        (b"N)R.", b'R'),
        (b"N)\x81.", 0x81),
        (b"N}b.", b'b'),
        (b"Pid\n.", b'P'),
        (b"\x82\x01.", 0x82),
        (b"(\x91.", 0x91),
    ];
    for (pickle, code) in calls {
        assert_eq!(decode(pickle), Err(Malformed::Forbidden(code)), "{pickle:?}");
    }
}

#[test]
fn malformed_pickles_say_what_python_says() {
    let malformed: [(&[u8], &str); 12] = [
        (b"", "Ran out of input"),
        (b"]", "pickle data was truncated"),
        (b"\x8c\x05abc.", "pickle data was truncated"),
        (b"X\xff\xff\xff\xff.", "pickle data was truncated"),
        (b"<", "invalid load key, '<'."),
        (b"\x00", "invalid load key, '\\x00'."),
        (b"\x80\x06N.", "unsupported pickle protocol: 6"),
        (b".", "unpickling stack underflow"),
        (b"N(a.", "unpickling stack underflow"),
        (b"h\x07.", "Memo value not found at index 7"),
        (b"NNa.", "pickle instruction 'a' does not fit what stands before it"),
        (b"L99999999999999999999L\n.", "pickle instruction 'L' has a value that can't be read"),
    ];
    for (pickle, text) in malformed {
        assert_eq!(decode(pickle).unwrap_err().to_string(), text, "{pickle:?}");
    }
}
