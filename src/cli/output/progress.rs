//! The progress bar on a terminal: bytes, rate, time left, matches.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::Control;

/// How often the bar is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// A bar that watches a scan until it is dropped; nothing where standard error is no terminal.
pub struct Progress {
    done: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to watch.
    pub fn watch(control: &Arc<Control>, is_quiet: bool) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        if is_quiet || !std::io::stderr().is_terminal() {
            return Self { done, watcher: None };
        }
        let (control, ended) = (Arc::clone(control), Arc::clone(&done));
        let watcher = std::thread::Builder::new()
            .name("progress".into())
            .spawn(move || draw(&control, &ended))
            .ok();
        Self { done, watcher }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            // A watcher that panicked has drawn its last bar; the scan's result is not its concern.
            let _ = watcher.join();
        }
    }
}

fn draw(control: &Control, ended: &AtomicBool) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let sized =
        "{bar:30} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left  {msg}";
    let endless = "{spinner} {bytes}  {bytes_per_sec}  {msg}";
    let mut is_sized = false;
    bar.set_style(style(endless));
    while !ended.load(Ordering::Relaxed) {
        std::thread::park_timeout(TICK);
        let total = control.total_bytes.load(Ordering::Relaxed);
        if total > 0 && !is_sized {
            bar.set_length(total);
            bar.set_style(style(sized));
            is_sized = true;
        }
        let done = control.done_bytes.load(Ordering::Relaxed);
        bar.set_position(if total > 0 { done.min(total) } else { done });
        bar.set_message(
            super::counted(control.matched.load(Ordering::Relaxed), "match")
                .replace("matchs", "matches"),
        );
    }
    bar.finish_and_clear();
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("█▉ ")
}
