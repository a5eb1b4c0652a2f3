//! `f2b check JAIL`: one jail, enabled or not.

use crate::harness::World;

#[test]
fn check_looks_at_the_jails_that_are_named() {
    let world = World::with_a_door();
    let ran = world.f2b("check door").exits(0);
    assert_eq!(ran.out, "1 of 1 jail usable; 0 errors, 0 warnings, 0 notes\n");
    let ran = world.f2b("check shed").exits(1);
    ran.says(&["jail.conf:7:12: warning: maxretry is 'many' [bad-number, shed]\n"]);
    ran.says(&["'shed' is not enabled; write enabled = true into its section\n"]);
    ran.says(&["1 of 1 jail usable; 0 errors, 1 warning, 0 notes\n"]);
    world.f2b("check shed door").exits(1).says(&["2 of 2 jails usable; 0 errors, 1 warning,"]);
    let json = world.f2b("check shed --format json").exits(1).json();
    assert_eq!(
        (&json["jails"][0]["name"], &json["jails"][0]["enabled"]),
        (&"shed".into(), &false.into())
    );
    let folder = world.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    world
        .f2b("check shad")
        .fails_with(&format!("there is no jail 'shad' in {folder}; did you mean 'shed'?"));
}

#[test]
fn a_jail_is_explained_wherever_its_name_stands() {
    let world = World::with_a_door();
    let explained = world.f2b("check --explain door").exits(0).out;
    assert!(explained.starts_with("[door]\nenabled = true\n"), "{explained}");
    assert_eq!(world.f2b("check door --explain").exits(0).out, explained);
    world
        .f2b("check --explain")
        .fails_with("--explain needs a jail; write f2b check --explain JAIL");
}
