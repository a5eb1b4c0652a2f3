//! Dates, patterns and lines that nobody wrote, from a small generator of numbers.

/// A small generator of numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// A date in one of the built-in forms.
    fn date(&mut self, form: u64) -> String {
        let (year, month, day) = (2004 + self.below(22), 1 + self.below(12), 1 + self.below(28));
        // The hours that occur twice or never are f2b's own.
        // Nor may an offset carry a date without a year to another day: fail2ban forgets the day.
        let (hour, minute, second) = match form {
            14 | 15 => (5 + self.below(10), self.below(60), self.below(60)),
            _ => (4 + self.below(20), self.below(60), self.below(60)),
        };
        let month_name = self.one_of(&[
            "Jan", "feb", "Mar", "Apr", "May", "JUN", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]);
        let weekday = self.one_of(&["", "", "Mon ", "Sun ", "tue "]);
        let fraction = self.one_of(&["", "", ".123", ".123456", ",5"]);
        let points = self.one_of(&["", "", ".123", ".5"]);
        let zone = self.one_of(&["", "", "Z", " +0200", "-03:30", " UTC", " +05", "+01:0"]);
        let gap = self.one_of(&[" ", " ", "  ", "T"]);
        let time = format!("{hour:02}:{minute:02}:{second:02}");
        let short = year % 100;
        let year_too = if self.below(4) == 0 { format!(" {year}") } else { String::new() };
        let syslog = format!("{weekday}{month_name} {day:2} {time}{points}{year_too}");
        let separator = self.one_of(&["-", "/", "."]);
        let bar = self.one_of(&["-", "/"]);
        let seconds = 1_000_000_000 + self.below(800_000_000);
        match form {
            0 => {
                format!("{year}{separator}{month:02}{separator}{day:02}{gap}{time}{fraction}{zone}")
            }
            1 => syslog,
            2 => format!("{weekday}{month_name} {day} {year} {time}{points}"),
            3 if self.below(2) == 0 => format!("{day:02}{bar}{month:02}{bar}{year} {time}"),
            3 => format!("{day}{bar}{month}{bar}{short:02} {time}"),
            4 => {
                let zone = self.one_of(&["", " +0200", " -0000", " Z", "+0100"]);
                let colon = self.one_of(&[":", " ", ""]);
                format!("{day:02}{bar}{month_name}{bar}{year}{colon}{time}{points}{zone}")
            }
            5 => format!("{month:02}/{day:02}/{year}:{time}"),
            6 => format!("{month:02}-{day:02}-{year} {time}{points}"),
            7 => {
                let fraction = self.one_of(&["", ".123", ".123456", ".12", ".1234567"]);
                format!("{seconds}{fraction}")
            }
            8 => time,
            9 => format!("<{month:02}/{day:02}/{short:02}@{time}>"),
            10 => format!("{short:02}{month:02}{day:02} {time}"),
            11 => {
                let half = self.one_of(&["AM", "pm", "PM"]);
                format!(
                    "{month_name} {day}, {year} {}:{minute:02}:{second:02} {half}",
                    4 + hour % 9
                )
            }
            12 => format!("{month_name}-{day:02}-{short:02} {time}"),
            13 => {
                let gap = self.one_of(&["T", " ", "  "]);
                format!(
                    "{year}{month:02}{day:02}{gap}{hour:02}{minute:02}{second:02}{fraction}{zone}"
                )
            }
            14 => format!(
                "{} {syslog}",
                self.one_of(&["CET", "PDT", "EDT", "MSK", "AKDT", "PKT", "IRST", "EASST"])
            ),
            15 => format!("{} {syslog}", self.one_of(&["+00:00", "-0330", "+05", "UTC", "Z"])),
            _ => format!("@40000000{seconds:08x}2dbdf024"),
        }
    }

    /// A line with a date, or with what is nearly one.
    pub(crate) fn line(&mut self, form: u64) -> String {
        let mut date = self.date(form);
        if self.below(8) == 0 && date.is_ascii() {
            // One character else, one more, one less.
            let at = usize::try_from(self.below(date.len() as u64)).unwrap();
            match self.below(3) {
                0 => drop(date.remove(at)),
                1 => date.insert_str(at, self.one_of(&["0", " ", "x", "-", "_", "é"])),
                _ => date.replace_range(at..=at, self.one_of(&["9", " ", "a", ":", "["])),
            }
        }
        let before = self.one_of(&[
            "",
            "",
            "",
            "",
            "",
            "[",
            "- ",
            "[[",
            "- - ",
            "é ",
            "x 12 ",
            "_",
            "192.0.2.1 - - [",
            "type=X msg=audit(",
            "a long time ago, ",
            "[[[ ",
            "9",
            ", ",
        ]);
        let after = self.one_of(&[
            " host sshd[12]: x",
            " x",
            "] y",
            ": z",
            "",
            ":12): pid",
            "x",
            "_",
            "é",
            " 2005 x",
            " 12:00:00",
            " - on Jan 23 2005 21:59:59",
        ]);
        format!("{before}{date}{after}")
    }
}

impl Random {
    /// Something to write for a directive, now and then something that it doesn't take.
    fn for_directive(&mut self, directive: &str) -> String {
        if self.below(40) == 0 {
            // A word that is no zone is f2b's own.
            let junk = ["", "99", " ", "x"];
            let kinds = if directive.to_lowercase().ends_with('z') { 3 } else { 4 };
            return junk[usize::try_from(self.below(kinds)).unwrap()].to_owned();
        }
        let short = self.below(3) == 0;
        match directive {
            "%Y" | "%ExY" => (2004 + self.below(22)).to_string(),
            "%y" | "%Exy" => format!("{:02}", 4 + self.below(22)),
            "%m" | "%d" if short => (1 + self.below(9)).to_string(),
            "%m" | "%Exm" => format!("{:02}", 1 + self.below(12)),
            "%d" | "%Exd" => format!("{:02}", 1 + self.below(28)),
            "%b" => self.one_of(&["Jan", "feb", "MAR", "Sep", "dec", "May"]).to_owned(),
            "%B" => self.one_of(&["January", "march", "MAY", "Aug"]).to_owned(),
            "%a" => self.one_of(&["Mon", "sun", "TUE"]).to_owned(),
            "%A" => self.one_of(&["Monday", "sunday", "Tue"]).to_owned(),
            "%j" => (1 + self.below(365)).to_string(),
            "%U" | "%W" => self.below(53).to_string(),
            "%w" => self.below(7).to_string(),
            "%k" | "%Exk" | "%H" if short => format!("{:2}", 5 + self.below(5)),
            "%H" | "%k" | "%ExH" | "%Exk" => format!("{:02}", 5 + self.below(11)),
            "%I" | "%l" | "%Exl" => (5 + self.below(3)).to_string(),
            "%M" | "%S" if short => self.below(10).to_string(),
            "%M" | "%S" | "%ExM" | "%ExS" => format!("{:02}", self.below(60)),
            "%f" => self.one_of(&["1", "123", "123456"]).to_owned(),
            "%p" => self.one_of(&["AM", "pm"]).to_owned(),
            "%z" => self.one_of(&["Z", "UTC", "+0200", "-03:30", "+05"]).to_owned(),
            "%Z" | "%ExZ" => self.one_of(&["CET", "MSK", "Z", "WEST"]).to_owned(),
            "%Exz" => self.one_of(&["CET", "+0100", "UTC", "CET+0200"]).to_owned(),
            "{EPOCH}" | "{LEPOCH}" => {
                let seconds = 1_000_000_000 + self.below(800_000_000);
                format!("{seconds}{}", self.one_of(&["", ".123", "123", "123456", ".5"]))
            }
            "%c" => {
                self.one_of(&["Mon Jan  3 05:06:07 2005", "Sun Aug 14 11:00:00 2005"]).to_owned()
            }
            "%x" => self.one_of(&["01/23/05", "8/9/15", "12/31/04"]).to_owned(),
            "%X" => self.one_of(&["05:06:07", "11:00:00"]).to_owned(),
            "%G" => "2005".to_owned(),
            "%u" => "3".to_owned(),
            "%V" => "33".to_owned(),
            "%%" => "%".to_owned(),
            "[T ]" => self.one_of(&["T", " ", "_"]).to_owned(),
            "[.:]" => self.one_of(&[".", ":"]).to_owned(),
            "(?:[.:]\\d\\d)?" => self.one_of(&["", ":10", ".30"]).to_owned(),
            "\\s*" => self.one_of(&["", " ", "\t "]).to_owned(),
            _ if directive.contains("_sep") => self.one_of(&["-", "-", "-", "/"]).to_owned(),
            _ => directive.to_owned(),
        }
    }

    /// A pattern, and the directives and texts that it is made of; `None` for a date in any built-in form.
    pub(crate) fn pattern(&mut self) -> (String, Vec<Option<&'static str>>) {
        const DATES: [&[&str]; 18] = [
            &["%Y", "-", "%m", "-", "%d", " "],
            &["%y", "%m", "%d", " "],
            &["%ExY", "%Exm", "%Exd", "T"],
            &["%d", "/", "%b", "/", "%ExY", ":"],
            &["%b", " ", "%d", " "],
            &["%a", ", ", "%d", " ", "%B", " ", "%Y", " "],
            &["%A", " ", "%B", " ", "%d", " "],
            &["%d", ".", "%m", ".", "%Exy", ", "],
            &["%m", "/", "%d", " "],
            &["%Y", ".", "%j", " "],
            &["%Y", " W", "%W", " ", "%w", " "],
            &["%U", "-", "%a", " ", "%Y", " "],
            &["%Exd", "%Exm", "%Exy", " "],
            &["%Y", "(?P<_sep>[-/.])", "%m", "(?P=_sep)", "%d", " "],
            &["%d", "(?P<_sep>[/-])", "%b", "(?P=_sep)", "%Exy", "[T ]"],
            &["%x", " "],
            &["%G", "%%", "%u", "%V", " ", "%m", "%d", " "],
            &[],
        ];
        const TIMES: [&[&str]; 11] = [
            &["%H", ":", "%M", ":", "%S"],
            &["%k", ":", "%M", ":", "%S", ".", "%f"],
            &["%I", ":", "%M", ":", "%S", " ", "%p"],
            &["%l", ":", "%M", "%p"],
            &["%ExH", "%ExM", "%ExS"],
            &["%Exk", ":", "%ExM", ":", "%ExS"],
            &["%Exl", "h", "%M"],
            &["%H", ":", "%M"],
            &["%X"],
            &["%H", "[.:]", "%M", "(?:[.:]\\d\\d)?", "\\s*"],
            &[],
        ];
        const ZONES: [&[&str]; 8] =
            [&[], &[], &[], &[" ", "%z"], &["%z"], &[" ", "%Z"], &[" ", "%ExZ"], &[" ", "%Exz"]];
        if self.below(5) == 0 {
            let pattern = self.one_of(&[
                "{DATE}",
                "^{DATE}",
                "{^LN-BEG}{DATE}",
                "^{DATE} ",
                "\\[{DATE}\\]",
                "{UNB}{DATE}",
                "({DATE})",
                "^[^\\[]*\\[({DATE})",
                "{date}x?",
                "{^LN-BEG}",
                "EPOCH",
                "^EPOCH",
                "{^LN-BEG}EPOCH",
                "LEPOCH",
                "^LEPOCH",
                "TAI64N",
                "^TAI64N",
                "^epoch",
            ]);
            return (pattern.to_owned(), vec![None]);
        }
        let one = |of: &[&'static [&'static str]], at: u64| of[usize::try_from(at).unwrap()];
        let mut pieces = if self.below(8) == 0 {
            vec!["t=", self.one_of(&["{EPOCH}", "{LEPOCH}", "%c"]), ";"]
        } else {
            let (date, time) = (one(&DATES, self.below(18)), one(&TIMES, self.below(11)));
            // In another zone it may be another day, and fail2ban mixes up the two.
            let is_zoned = !date.is_empty() && !time.is_empty();
            let zone = if is_zoned { one(&ZONES, self.below(8)) } else { &[] };
            [date, time, zone].concat()
        };
        // Nothing is no pattern, and a zone is no date.
        if pieces.iter().filter(|piece| piece.starts_with(['%', '{'])).count() < 2 {
            pieces = DATES[0].to_vec();
        }
        let begin =
            self.one_of(&["", "", "^", "{^LN-BEG}", "{UNB}", "**", "^<", "(?:x )?", "^(?:x )?"]);
        let end = self.one_of(&["", "", "$", "**", "\\b", "\\s", "(?: x)?", ">"]);
        // fail2ban forgets the blank that may be before these, and with it the boundary.
        let begin = match pieces[0] {
            "%k" | "%Exk" | "%l" | "%Exl" => "(?:x )?",
            _ => begin,
        };
        // Python reads these as a repetition there.
        let end = if begin == "{UNB}" { end.trim_end_matches("**") } else { end };
        let mut pattern = begin.to_owned();
        let grouped = self.below(4) == 0 && !pieces.concat().contains("EPOCH}");
        let grouped = grouped.then(|| self.below(pieces.len() as u64));
        for (index, piece) in (0..).zip(&pieces) {
            // What isn't an expression is text.
            let piece =
                if piece.len() < 3 { piece.replace('.', "\\.") } else { (*piece).to_owned() };
            let (open, close) = if grouped == Some(index) { ("(", ")") } else { ("", "") };
            pattern.extend([open, &piece, close]);
        }
        (pattern + end, pieces.into_iter().map(Some).collect())
    }

    /// A line for a pattern.
    pub(crate) fn line_for(&mut self, pieces: &[Option<&'static str>]) -> String {
        let mut text = String::new();
        for piece in pieces {
            let form = self.below(17);
            text += &match piece {
                Some(piece) => self.for_directive(piece),
                None => self.date(form),
            };
        }
        let before = self.one_of(&["", "", "", "", "[", "<", "x ", "x", "é", " ", "[ ", "1"]);
        let after = self.one_of(&["", " x", "]", ">", ";", "1", "é", " 12:00:00", "  "]);
        format!("{before}{text}{after}")
    }
}
