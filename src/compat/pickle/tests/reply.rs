//! Replies of servers: bytes that fail2ban 1.0.2 sent, and that Python 3.11 writes of exceptions.

use super::*;

fn exception(module: &str, class: &str, args: Vec<Value>) -> Value {
    Value::Exception { module: module.to_owned(), class: class.to_owned(), args }
}

#[test]
fn ok_exceptions_and_addresses_of_a_server() {
    let missing = || vec![2.into(), "No such file or directory".into(), "/x".into()];
    for (hex, expected) in [
        (
            "80059541000000000000004b018c136661696c3262616e2e657863657074696f6e73948c14556e6b6e6f776e4a61696c4578\
             63657074696f6e9493948c066e6f6a61696c948594529486942e",
            vec![
                1.into(),
                exception("fail2ban.exceptions", "UnknownJailException", vec!["nojail".into()]),
            ],
        ),
        (
            "8005953b000000000000004b005d94288c086275696c74696e73948c037374729493948c0b3132372e302e302e302f38948594\
             529468038c033a3a3194859452946586942e",
            vec![0.into(), texts(&["127.0.0.0/8", "::1"])],
        ),
        (
            // With an attribute of its own.
            "80049542000000000000004b018c0773716c69746533948c104f7065726174696f6e616c4572726f729493948c0d6e6f207375\
             6368207461626c6594859452947d948c0178944b01736286942e",
            vec![1.into(), exception("sqlite3", "OperationalError", vec!["no such table".into()])],
        ),
        (
            // In the protocol of Python 2, with its names.
            "80024b0163657863657074696f6e730a4f534572726f720a71004b0258190000004e6f20737563682066696c65206f7220646972\
             6563746f7279710158020000002f7871028771035271048671052e",
            vec![1.into(), exception("exceptions", "OSError", missing())],
        ),
    ] {
        let pickle = bytes(&hex.replace(char::is_whitespace, ""));
        assert_eq!(decode_reply(&pickle), Ok(Value::Tuple(expected)));
        assert!(matches!(decode(&pickle), Err(Malformed::Forbidden(_))));
    }
}

#[test]
fn err_a_class_alone_and_a_call_of_what_is_none() {
    // `builtins.str` itself, and `1(())`.
    for pickle in [&b"\x80\x02cbuiltins\nstr\n."[..], b"\x80\x02K\x01)R."] {
        assert!(matches!(decode_reply(pickle), Err(Malformed::Unfit(_))), "{pickle:?}");
    }
}
