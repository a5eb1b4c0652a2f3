//! Whatever happens to a log, in any order: each of its lines counts once.

use proptest::prelude::*;

use super::*;

/// What can happen between two looks.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Write(u8),
    Look,
    Rotate,
    NextLife,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => (0_u8..4).prop_map(Happens::Write),
        3 => Just(Happens::Look),
        2 => Just(Happens::Rotate),
        1 => Just(Happens::NextLife),
    ]
}

impl World {
    /// Moves the generations on, as logrotate does.
    fn shift(&self) {
        for nth in (1..20).rev() {
            let (from, to) = (format!("log.{nth}"), format!("log.{}", nth + 1));
            if self.path(&from).exists() {
                self.rename(&from, &to);
            }
        }
    }

    fn happen(&mut self, what: Happens, copies: bool, logs: &mut dyn Look) {
        match what {
            Happens::Write(host) => self.append("log", &format!("198.51.100.{host}")),
            Happens::Look => drop(logs.look(self.now())),
            Happens::Rotate if self.path("log").exists() => {
                self.shift();
                if copies {
                    self.copy_and_empty("log", "log.1");
                } else {
                    self.rename("log", "log.1");
                }
            }
            Happens::Rotate | Happens::NextLife => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn each_line_counts_once_whatever_happens(
        all in prop::collection::vec(happens(), 1..60),
        copies: bool,
    ) {
        let mut world = World::new();
        // What was never seen is not known by what it is rotated to.
        world.append("log", "198.51.100.9");
        world.life(Reach::All, |world, logs| logs.look(world.now()));
        for life in all.split(|what| matches!(what, Happens::NextLife)) {
            world.life(Reach::All, |world, logs| {
                for what in life {
                    world.happen(*what, copies, logs);
                }
                logs.look(world.now());
            });
        }
        prop_assert_eq!(world.found().0, world.lines);
    }
}
