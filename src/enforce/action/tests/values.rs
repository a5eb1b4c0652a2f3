//! What commands are told: values of tags, and what a stranger may have put into them.

use super::*;

/// An action whose ban is this command; `OUT` in it is a file, which is given as it is after a ban.
fn told(ban: &str, more: &str, ticket: &Ticket) -> String {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let ban = ban.replace("OUT", &out.display().to_string());
    let mut stage = Stage::with(dir, &format!("[Definition]\nactionban = {ban}\n{more}\n"), "toy");
    stage.step(|steps| steps.ban(ticket)).unwrap();
    fs::read_to_string(out).unwrap_or_default()
}

fn with(fields: &[(&str, &str)]) -> Ticket {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Ticket { fields: fields.collect(), ..four() }
}

#[test]
fn every_tag_has_its_value() {
    let past = Past { matches: vec!["old".into()], failures: 9 };
    let ticket = Ticket {
        in_jail: Some(past),
        bantime: BanTime::Permanent,
        ..with(&[("user", "root"), ("fport", "22")])
    };
    let values = [
        ("<ip> <family> <ip-rev> <fid>", "192.0.2.1 inet4 1.2.0.192. 192.0.2.1"),
        ("<failures> <time> <bantime> <bancount> <restored>", "2 1795661700.0 -1 1 0"),
        ("<matches> + <ipmatches>", "one\ntwo + one\ntwo"),
        ("<ipjailmatches> <ipjailfailures> <ipfailures>", "old 9 2"),
        ("<F-USER>.<F-PORT>.<F-NONE>.<f-user>", "root.22..<f-user>"),
        ("<F-*>", "{'matches': ['one', 'two'], 'failures': 2, 'user': 'root', 'fport': '22'}"),
        (
            "<raw-ticket>",
            "BanTicket: ip=192.0.2.1 time=1795661700.0 bantime=-1 bancount=1 #attempts=2 \
             matches=['one', 'two']",
        ),
        ("<jail.banned><jail.banned_total><jail.found><jail.found_total>", "2345"),
        ("<name> <actname> <timeout> <sp>|<br>| <HOST>", "j toy 60  |\n| <HOST>"),
    ];
    for (tags, value) in values {
        assert_eq!(told(&format!("printf %%s \"{tags}\" > OUT"), "", &ticket), value, "{tags}");
    }
}

#[test]
fn addresses_are_told_as_dns_and_restored_times_as_a_database_has_them() {
    let ban = "echo \"<ip> <ip-rev> <family> <time> <restored>\" > OUT";
    let restored = |host| Ticket { is_restored: true, ..ticket(host) };
    let six = "2001:db8::1 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2. inet6";
    assert_eq!(told(ban, "", &restored("2001:DB8::1")), format!("{six} 1795661700 1\n"));
    let net = told(ban, "", &restored("192.0.2.0/24"));
    assert_eq!(net, "192.0.2.0/24 0/24.2.0.192. inet4 1795661700 1\n");
    let name = told(ban, "", &Ticket { ip: Some(Host::parse("192.0.2.7")), ..ticket("anna") });
    assert_eq!(name, "192.0.2.7 7.2.0.192. inet4 1795661700.0 0\n");
    assert_eq!(told("echo <ip-host> > OUT", "", &ticket("127.0.0.1")), "localhost\n");
}

#[test]
fn a_start_is_told_of_no_ban() {
    let tags = "<ip>.<fid>.<ip-host>.<failures>.<time>.<bantime>.<restored>.<F-USER>.<family>.<jail.banned>";
    let definition = format!("[Definition]\nactionstart = echo '{tags}'\n");
    let stage = Stage::with(tempfile::tempdir().unwrap(), &definition, "toy");
    let (mut recorder, mut nothing) = (Recorder::default(), State::default());
    stage.action.steps(&mut nothing, &mut recorder, MOMENT).start().unwrap();
    assert_eq!(script(&recorder.calls[0]), "echo '..None.0.1795661700.0.600.0...2'");
}

#[test]
fn what_a_stranger_writes_arrives_and_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let trap = dir.path().join("trap");
    let touch = format!("touch {}", trap.display());
    for hostile in [
        format!("$({touch})"),
        format!("`{touch}`"),
        format!("'; {touch}; '"),
        format!("\"; {touch}; \""),
        format!("\n{touch}\n"),
        format!("&& {touch} #"),
        format!("| {touch}"),
        format!("x\\\n{touch}"),
        format!("<ip> <(  {touch}) > {}", trap.display()),
        format!("}}; {touch}; {{"),
        "$f2bV_F_user ${IFS} $0 $$ * ? ~ ! % \\n \\0101 \t \r é \u{1f4a5}".to_owned(),
        "-rf".to_owned(),
        "--help=x".to_owned(),
        "-n -e".to_owned(),
        String::new(),
    ] {
        let ticket = Ticket {
            matches: vec![hostile.clone()],
            host: Host::Name(hostile.clone().into()),
            ip: Some(Host::parse("192.0.2.1")),
            ..with(&[("user", &hostile)])
        };
        for tag in ["F-USER", "matches", "ipmatches", "fid"] {
            let said = told(&format!("printf %%s \"<{tag}>\" > OUT"), "", &ticket);
            assert_eq!(said, hostile, "{tag}");
        }
        // Without quotes it is cut into words, as in fail2ban; it is not run even so.
        told("printf %%s <F-USER> <matches>x <fid> > OUT", "", &ticket);
        told("echo '<F-USER>' `echo <fid>` $(echo \"<matches>\") > OUT", "", &ticket);
        assert!(!trap.exists(), "{hostile:?} was run");
    }
}

#[test]
fn a_nul_keeps_nobody_from_being_banned() {
    let said = told("printf %%s \"<F-USER>\" > OUT", "", &with(&[("user", "a\0b")]));
    assert_eq!(said, "a\u{fffd}b");
}

#[test]
fn more_than_ten_hostile_values_stay_apart() {
    let names: Vec<String> = (0..14).map(|index| format!("n{index}")).collect();
    let fields = names.iter().map(|name| (name.clone(), format!("{name};"))).collect();
    let tags: Vec<_> = names.iter().map(|name| format!("<F-{}>", name.to_uppercase())).collect();
    let ban = format!("printf %%s \"{}x\" > OUT", tags.join("x"));
    let said = told(&ban, "", &Ticket { fields, ..four() });
    assert_eq!(said, format!("{};x", names.join(";x")));
}

#[test]
fn lines_of_any_length_keep_nobody_from_being_banned() {
    let long = Ticket { matches: vec!["(long) ".repeat(100_000); 3], ..four() };
    assert_eq!(told("printf %%s \"<matches>\" | wc -c > OUT", "", &long), "65536\n");
}

#[test]
fn the_variables_have_the_names_that_fail2ban_gives_them() {
    let ban = "printf %%s \"<F-ALT-USER><matches>\" \"$f2bV_F_alt_user$f2bV_matches\" > OUT";
    let ticket = Ticket { matches: vec!["(m)".into()], ..with(&[("alt-user", "a;")]) };
    assert_eq!(told(ban, "", &ticket), "a;(m)a;(m)");
}

#[test]
fn properties_are_put_into_each_other_by_family() {
    let more = "[Init]\nblock = DROP\ntool = t <opt> <block>\nopt = -w\nby = <tool>!\n\
                [Init?family=inet6]\nblock = REJECT\ntool = t6 <block>\n";
    let ban = "echo \"<by> <ip> <family>\" > OUT";
    assert_eq!(told(ban, more, &four()), "t -w DROP! 192.0.2.1 inet4\n");
    assert_eq!(told(ban, more, &six()), "t6 REJECT! 2001:db8::1 inet6\n");
    // What is no address has the properties of all.
    assert_eq!(told(ban, more, &ticket("me")), "t -w DROP! me None\n");
    let dir = tempfile::tempdir().unwrap();
    let definition = format!("[Definition]\nactionban = x <by>\n{more}");
    let stage = Stage::with(dir, &definition, "toy[block=GIVEN]");
    let script = |family| stage.action.scripts().of(Operation::Ban, family);
    assert_eq!(script(Family::Inet4), "x t -w GIVEN!");
    assert_eq!(script(Family::Inet6), "x t6 GIVEN!");
}

#[test]
fn a_property_named_as_lines_of_a_log_looks_as_they_do() {
    let ban = "printf %%s \"<matches>\" > OUT";
    assert_eq!(told(ban, "[Init]\nmatches = a\"$(b)", &four()), "a\"$\\(b\\)");
}

#[test]
fn err_what_is_wrong_with_an_action_is_told_with_its_place() {
    let err = |definition: &str, action: &str| {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::with(dir, "[Definition]\nactionban = x\n", "toy");
        fs::write(stage.dir.path().join("action.d/toy.conf"), definition).unwrap();
        fs::write(stage.dir.path().join("action.d/other.py"), "").unwrap();
        let place = stage.dir.path().join("action.d").display().to_string();
        let found = compiled(stage.dir.path(), action).unwrap_err();
        found.to_string().replace(&place, "DIR")
    };
    assert_eq!(
        err(
            "[Definition]\nactionban = <a>\n[Init]\na = x<b>\nb = <c>\nc = 1\n[Init?family=inet6]\nc = <b>\nb = <c>\n",
            "toy"
        ),
        "DIR/toy.conf:2: a tag of 'actionban' stands for itself; break the circle"
    );
    assert_eq!(
        err("[Definition]\nactionban = x\n[Init]\ntimeout = soon\n", "toy"),
        "DIR/toy.conf:4: 'timeout' of action 'toy' is no duration; write seconds or \
         units such as 60, 2m"
    );
    assert!(err("", "other.py").ends_with("use an action with a .conf file"));
}
