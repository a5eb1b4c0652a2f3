//! What fail2ban-regex says of itself, in our words.

/// The version that f2b is in its place.
pub(super) const VERSION: &str = "1.0.2";

/// How it is called, by the name that it was called by.
pub(super) fn usage(program: &str) -> String {
    format!("Usage: {program} [OPTIONS] <LOG> <REGEX> [IGNOREREGEX]\n")
}

/// What it does, takes and knows.
pub(super) const HELP: &str = r"
Tries a filter's expressions on a log and reports what they match. f2b does it in
the place of fail2ban-regex; nothing is stored and nobody is banned.

LOG:
  a file                its lines
  systemd-journal       the journal; systemd-journal[journalpath=...] another one
  any other text        is itself the log, line by line

REGEX:
  a filter's name       one of the configuration, perhaps with options: sshd[mode=ddos]
  a filter's file       such as ./my-filter.conf
  any other text        is itself the failregex

IGNOREREGEX:
  a text                a further ignoreregex

Options:
  --version             print name and version, and end
  -h, --help            print this, and end
  -c DIR, --config=DIR  the configuration (/etc/fail2ban)
  -d PATTERN, --datepattern=PATTERN
                        how dates are written
  --timezone=TIMEZONE, --TZ=TIMEZONE
                        the zone of dates that name none: UTC+01, CET
  -e ENCODING, --encoding=ENCODING
                        the log's encoding (UTF-8)
  -r, --raw             look no names up, and take them as they are
  --usedns=USEDNS       whether names are looked up: yes, warn, no, raw
  -L LINES, --maxlines=LINES
                        match so many lines together; so many are printed, too
  -m MATCH, --journalmatch=MATCH
                        which entries of the journal are read
  -l LEVEL, --log-level=LEVEL
                        taken, and without effect
  -V                    print the version alone, and end
  -v, --verbose         also print what each expression matched; -v -v prints more
  --verbosity=LEVEL     the same as a number, 0 to 4
  --verbose-date, --VD  also print the expressions of the dates
  -D, --debuggex        print links to debuggex.com
  --no-check-all        end a line at the first expression that matches
  -o WHAT, --out=WHAT   print only this of each failure: id, ip, msg, row, the name
                        of a capture, or a template such as '<time> <ip> <F-USER>'
  --print-no-missed     print no lines that were missed
  --print-no-ignored    print no lines that were ignored
  --print-all-matched   print the lines that matched
  --print-all-missed    print the lines that were missed, however many
  --print-all-ignored   print the lines that were ignored, however many
  -t, --log-traceback   taken, and without effect
  --full-traceback      taken, and without effect
";
