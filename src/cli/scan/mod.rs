//! `f2b scan`: from arguments to a report, a store that knows more, and bans.
//!
//! [`plan`] settles and compiles everything before the first line is read; [`takers`] are those who take
//! matches one by one while the logs are read; [`end`] says what came of it.

mod end;
mod journal;
mod plan;
mod sums;
mod takers;
mod undated;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use self::end::{End, Job};
use self::plan::Plan;
use self::takers::{Taken, Takers};
use super::args::ScanArgs;
use super::output::progress::Progress;
use super::target;
use super::{Context, Error, Status, files, warn, warn_findings};
use crate::control::{self, Jails, Reply, Unenforced};
use crate::engine::{Control, Writer};

pub(super) fn run(
    context: &Context,
    args: &ScanArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let started = Instant::now();
    let target = target::resolve(context, args)?;
    let plan = Plan::new(context, args, &target)?;
    start_threads(args.threads);
    let mut writer = if args.dry_run { None } else { Some(Writer::open(&context.db)?) };
    let control = Arc::new(Control::default());
    stop_on_signals(&control);
    let storing = writer.as_mut();
    let (outcome, taken) = thread::scope(|scope| {
        let mut takers = Takers::new(&plan, args, context.now, storing, scope, &mut *out)?;
        let is_taken = takers.want_matches();
        let is_quiet = args.quiet || (takers.prints() && io::stdout().is_terminal());
        let progress = Progress::watch(&control, is_quiet);
        let outcome = plan.scan().run(&plan.readings, is_taken.then_some(&mut takers), &control)?;
        drop(progress);
        Ok::<_, Error>((outcome, takers.finish()?))
    })?;
    let Taken { settled, files: fates, sums, unprinted } = taken;
    for jail in &plan.jails {
        warn_findings(jail.ignore.trouble().as_slice());
    }
    let unenforced = enforce(context, args, started, writer.as_mut())?;
    let kept = files::show(&fates, &mut io::sink())?;
    let elapsed = started.elapsed();
    let job = Job { context, args, target: &target, plan: &plan };
    let end = End { job, outcome, settled, sums, elapsed };
    let shown = end.show(out);
    unprinted.map_or(shown, |error| Err(error.into()))?;
    Ok(files::warn_unenforced(&unenforced, out)?.or(kept).unwrap_or(end.status()))
}

/// Has the bans that were decided take effect; the actions that they don't by.
fn enforce(
    context: &Context,
    args: &ScanArgs,
    started: Instant,
    writer: Option<&mut Writer>,
) -> Result<Vec<Unenforced>, Error> {
    let mut unenforced = Vec::new();
    // Great logs take minutes. What a host has done in these was not in spite of a ban, and bans are so much shorter.
    let by_now = context.now.plus_micros(started.elapsed().as_micros().try_into().unwrap_or(0));
    if let Some(writer) = writer.filter(|_| args.ban && context.enforces) {
        let jails = Jails::new(&context.jails).running_commands(context.runs_commands);
        control::follow(jails, writer, by_now, &mut |reply| {
            if let Reply::Unenforced(action) = reply {
                unenforced.push(action);
            }
            Ok(())
        })?;
    }
    Ok(unenforced)
}

/// As many workers as asked for, or as there are cores. They stand back a little: the thread that writes
/// to the store is the one that all wait for, and a server has other work to do.
fn start_threads(threads: Option<u16>) {
    const NICENESS: i32 = 5;
    let stand_back = |_| {
        // Who may not be nicer than he is works all the same.
        let _ = rustix::process::setpriority_process(None, NICENESS);
    };
    let pool = rayon::ThreadPoolBuilder::new().start_handler(stand_back);
    // Fails only if a pool was built before, and then it has the size of that one.
    let _ = pool.num_threads(threads.unwrap_or(0).into()).build_global();
}

fn stop_on_signals(control: &Arc<Control>) {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // A second signal ends the process at once: the first may come too late in a long step.
        let register =
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&control.stop))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&control.stop)));
        if let Err(error) = register {
            warn(&format!("f2b: can't listen to signal {signal}: {error}"));
        }
    }
}
