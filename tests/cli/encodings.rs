//! Logs that are written in another encoding than UTF-8.

use crate::harness::World;

/// The log in UTF-16, as Windows writes it.
fn utf16(text: &str, is_big: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

#[test]
fn logs_in_utf_16_are_read() {
    let world = World::new();
    // Code units with a byte that is a newline in ASCII: Ċ and ਁ.
    let log = "2026-11-20 10:00:00 Ċ ਁ bad café 192.0.2.1\r\n2026-11-20 10:00:01 bad 192.0.2.2\n\n\
               2026-11-20 10:00:02 fine\n2026-11-20 10:00:03 bad 192.0.2.3";
    world.write("little.log", utf16(log, false));
    world.write("big.log", utf16(log, true));
    for name in ["little.log", "big.log"] {
        let args = ["scan", "-e", "utf-16", "--format", "jsonl", name, "bad (?:café )?<HOST>$"];
        let found = world.run(args).exits(0).json_lines();
        let hosts: Vec<_> = found.iter().map(|line| line["host"].as_str().unwrap()).collect();
        assert_eq!(hosts, ["192.0.2.1", "192.0.2.2", "192.0.2.3"], "{name}");
        assert_eq!(found[0]["line"], 1);
        assert_eq!(found[2]["line"], 5);
        assert_eq!(found[0]["time"], 1_795_168_800.0);
    }
    assert_eq!(
        world.sql("SELECT text FROM matches ORDER BY place LIMIT 1"),
        "2026-11-20 10:00:00 Ċ ਁ bad café 192.0.2.1"
    );
    let ran = world.run(["scan", "-e", "utf-16", "little.log", "bad <HOST>$"]).exits(0);
    assert!(ran.out.contains("Lines: 4 lines, 0 ignored, 2 matched, 2 missed"), "{}", ran.out);
}

#[test]
fn half_a_line_in_another_encoding_bans_nobody() {
    for (encoding, log) in [
        ("latin-1", b"2026-11-20 10:00:00 caf\xe9 bad 192.0.2.1".to_vec()),
        ("utf-16", utf16("2026-11-20 10:00:00 café bad 192.0.2.1", false)),
    ] {
        let world = World::new();
        world.write("filter.d/j.conf", "[Definition]\nfailregex = café bad <HOST>$\n");
        let jail = format!(
            "[j]\nfilter = j\nlogpath = j.log\nmaxretry = 1\nlogencoding = {encoding}\nenabled = true\n"
        );
        world.write("jail.local", jail);
        world.write("j.log", log);
        let scan = "scan --jail j --ban j.log --now 2026-11-20T12:00:00Z";
        let ran = world.f2b(scan).exits(0);
        assert!(ran.out.contains("1 matched"), "{}", ran.out);
        assert_eq!(world.sql("SELECT count(*) FROM bans"), "0", "{encoding}");
    }
}
