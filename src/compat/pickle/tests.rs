mod python;
mod reader;
mod reply;

use proptest::prelude::*;

use super::*;
use crate::compat::Value;

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn texts(texts: &[&str]) -> Value {
    Value::List(texts.iter().copied().map(Value::from).collect())
}

fn request(value: Value, protocol: u8) -> Frame {
    Frame::Request { value: Ok(value), protocol }
}

fn refused(why: Malformed, protocol: u8) -> Frame {
    Frame::Request { value: Err(why), protocol }
}

fn frames(frames: &mut Frames) -> Vec<Frame> {
    std::iter::from_fn(|| frames.frame().unwrap()).collect()
}

/// What comes of bytes that arrive at once, and one by one.
fn arrived(bytes: &[u8]) -> Vec<Frame> {
    let mut whole = Frames::default();
    whole.feed(bytes);
    let whole = frames(&mut whole);
    let mut slow = Frames::default();
    let slow = bytes.iter().flat_map(|byte| {
        slow.feed(&[*byte]);
        frames(&mut slow)
    });
    assert_eq!(slow.collect::<Vec<_>>(), whole);
    whole
}

fn framed(pickles: &[&[u8]]) -> Vec<u8> {
    pickles.iter().flat_map(|pickle| [pickle, MARKER].concat()).collect()
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
        ("286c70300a5670696e670a70310a612e", texts(&["ping"])),
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
fn frames_end_behind_their_pickle_not_at_a_marker_in_it() {
    let line = "log <F2B_END_COMMAND>(Vstop\nl.<F2B_END_COMMAND>";
    let attempt = texts(&["set", "j", "attempt", "198.51.100.1", line]);
    let ping = texts(&["ping"]);
    for protocol in 2..=5 {
        let stream = framed(&[&encode(&attempt, protocol), &encode(&ping, protocol)]);
        assert_eq!(
            arrived(&stream),
            [request(attempt.clone(), protocol), request(ping.clone(), protocol)]
        );
    }
    // What is not read for what it says has an end too: nobody gets a part of it obeyed.
    let called = [b"(V".as_slice(), &line.as_bytes()[..22], b"\ncos\nsystem\nl."].concat();
    assert_eq!(
        arrived(&framed(&[&called, &encode(&ping, 2)])),
        [refused(Malformed::Forbidden(b'c'), 2), request(ping, 2)]
    );
}

#[test]
fn what_is_no_pickle_ends_at_the_next_marker() {
    let ping = encode(&texts(&["ping"]), 4);
    let stream =
        framed(&[b"", b"{}", &ping, CLOSE, &ping[..4], &[&ping, b"more".as_slice()].concat()]);
    assert_eq!(
        arrived(&stream),
        [
            refused(Malformed::Empty, 2),
            refused(Malformed::Unknown(b'{'), 2),
            request(texts(&["ping"]), 4),
            Frame::Close,
            refused(Malformed::Truncated, 4),
            request(texts(&["ping"]), 4),
        ]
    );
}

#[test]
fn a_truncated_pickle_that_awaits_more_can_be_given_up() {
    let ping = encode(&texts(&["ping"]), 4);
    // Its text is to have as many bytes as the beginning of the marker is as a number, and more.
    let mut frames = Frames::default();
    frames.feed(&framed(&[&ping[..5]]));
    assert_eq!(frames.frame(), Ok(None));
    assert_eq!(frames.give_up(), Some(refused(Malformed::Truncated, 4)));
    frames.feed(&framed(&[&ping]));
    assert_eq!(frames.frame(), Ok(Some(request(texts(&["ping"]), 4))));
    assert!(frames.is_empty());
    assert_eq!(frames.give_up(), None);
}

#[test]
fn a_request_without_an_end_is_too_long_at_some_time() {
    for start in [b"V".as_slice(), b"B\xff\xff\xff\x00", b"N.", b"{"] {
        let mut frames = Frames::default();
        frames.feed(start);
        let piece = vec![b'x'; 1 << 20];
        let pieces = std::iter::repeat_n((), 20);
        let outcome = pieces.map(|()| {
            frames.feed(&piece);
            frames.frame()
        });
        let ends = outcome.take_while(|outcome| *outcome == Ok(None)).count();
        assert_eq!(ends, 15, "{start:?}");
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

#[test]
fn a_list_that_repeats_lists_is_counted_as_what_it_becomes() {
    // A billion laughs: ten times ten times…
    let mut laughs = b"]q\x00(Vlol\nq\x01".to_vec();
    laughs.extend(b"h\x01".repeat(9));
    laughs.extend(b"lq\x02");
    for level in 3..12_u8 {
        laughs.push(b'(');
        laughs.extend([b'h', level - 1].repeat(10));
        laughs.extend([b'l', b'q', level]);
    }
    laughs.push(b'.');
    assert_eq!(decode(&laughs), Err(Malformed::TooMany));

    let mut long = b"(X".to_vec();
    long.extend(1_000_000_u32.to_le_bytes());
    long.extend(b"x".repeat(1_000_000));
    long.extend(b"q\x00");
    let most = REQUEST_MAX / 1_000_000;
    let told = |times| [&long, b"h\x00".repeat(times).as_slice(), b"l."].concat();
    assert_eq!(decode(&told(most)), Err(Malformed::TooMany));
    assert!(decode(&told(most - 1)).is_ok());
}

#[test]
fn many_and_deep_values_have_an_end() {
    let many = |count| [b"(".as_slice(), &b"N".repeat(count), b"l."].concat();
    assert!(decode(&many(VALUES_MAX - 1)).is_ok());
    assert_eq!(decode(&many(VALUES_MAX)), Err(Malformed::TooMany));
    assert_eq!(decode(&b"(".repeat(VALUES_MAX + 1)), Err(Malformed::TooMany));
    let deep = |depth: usize| [b"N".as_slice(), &b"\x85".repeat(depth), b"."].concat();
    assert!(decode(&deep(DEPTH_MAX - 1)).is_ok());
    assert_eq!(decode(&deep(DEPTH_MAX)), Err(Malformed::TooDeep));
    assert_eq!(decode(b"]q\x00h\x00a."), Err(Malformed::TooDeep), "it contains itself");
}

#[test]
fn texts_of_the_first_protocols_are_unescaped() {
    let texts: [(&[u8], &str); 9] = [
        (b"Va\\u005cb\\u000ac\n.", "a\\b\nc"),
        (b"V\xe9\\u20ac\\U0001f600\n.", "\u{e9}\u{20ac}\u{1f600}"),
        (b"V\\ud83d\\ude00 \\ud83d\n.", "\u{1f600} \u{fffd}"),
        (b"V\\\\u0041\n.", "\\\\u0041"),
        (b"S'it\\'s \\x41\\n\\\\'\n.", "it's A\n\\"),
        (b"S\"q\"\n.", "q"),
        (b"U\x02\xc3\xa9.", "\u{e9}"),
        (b"T\x02\x00\x00\x00ab.", "ab"),
        (b"\x8c\x04a\xed\xb2\x80.", "a\u{fffd}\u{fffd}\u{fffd}"),
    ];
    for (pickle, text) in texts {
        assert_eq!(decode(pickle), Ok(text.into()), "{pickle:?}");
    }
}

fn values(value: &Value) -> usize {
    match value {
        Value::List(members) | Value::Tuple(members) | Value::Set(members) => {
            1 + members.iter().map(values).sum::<usize>()
        }
        Value::Dict(pairs) => {
            1 + pairs.iter().map(|(key, value)| values(key) + values(value)).sum::<usize>()
        }
        _ => 1,
    }
}

/// Instructions that fit each other now and then.
fn program() -> impl Strategy<Value = Vec<u8>> {
    let instructions: Vec<&'static [u8]> = vec![
        b"N",
        b"(",
        b"]",
        b"}",
        b")",
        b"\x8f",
        b"l",
        b"t",
        b"d",
        b"a",
        b"e",
        b"s",
        b"u",
        b"\x90",
        b"\x85",
        b"\x86",
        b"\x87",
        b"\x94",
        b"h\x00",
        b"h\x01",
        b"q\x00",
        b"q\x01",
        b"K\x07",
        b"\x8c\x01x",
        b"Vy\n",
        b"I01\n",
        b"\x8a\x01\xff",
        b"C\x01z",
        b".",
        b"\x80\x04",
        b"p1\n",
        b"g1\n",
        b"<",
        b"S'",
        b"X\x01",
    ];
    let pieces = proptest::collection::vec(proptest::sample::select(instructions), 0..200);
    pieces.prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_a_value_or_refused(
        pickle in prop_oneof![proptest::collection::vec(any::<u8>(), 0..300), program()],
        cut in 0_usize..300,
    ) {
        if let Ok(value) = decode(&pickle) {
            prop_assert!(values(&value) <= VALUES_MAX);
            for protocol in PROTOCOL_MIN..=PROTOCOL_MAX {
                let again = decode(&encode(&value, protocol));
                // A number that is none is never equal to itself.
                let shown = format!("{value:?}");
                prop_assert_eq!(again.map(|again| format!("{again:?}")), Ok(shown));
            }
        }
        let stream = [&pickle, MARKER, &pickle, MARKER].concat();
        let mut at_once = Frames::default();
        at_once.feed(&stream);
        let mut in_two = Frames::default();
        let (first, second) = stream.split_at(cut.min(stream.len()));
        in_two.feed(first);
        let mut parts = frames(&mut in_two);
        in_two.feed(second);
        parts.extend(frames(&mut in_two));
        prop_assert_eq!(format!("{parts:?}"), format!("{:?}", frames(&mut at_once)));
    }
}
