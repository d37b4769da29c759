//! `local logs`

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::time::Duration;

use anyhow::Result;

use super::say;
use crate::name::Name;
use crate::settings::Settings;

const SHOWN_LINES: usize = 40;
const SHOWN_BYTES: i64 = 16 * 1024;
/// How soon a new line is seen.
const POLL: Duration = Duration::from_millis(200);

pub(super) async fn run(name: Option<Name>, follow: bool) -> Result<()> {
    let settings = Settings::from_env()?;
    let names = name.map_or(Name::ALL.to_vec(), |name| vec![name]);
    let mut logs: Vec<Log> = names.into_iter().map(|name| Log::new(name, &settings)).collect();
    for log in &mut logs {
        let lines = log.new_lines();
        lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES)).for_each(|line| log.show(line));
    }
    if !follow {
        return Ok(());
    }
    loop {
        tokio::time::sleep(POLL).await;
        for log in &mut logs {
            log.new_lines().iter().for_each(|line| log.show(line));
        }
    }
}

struct Log {
    server: Name,
    path: std::path::PathBuf,
    /// Opened when it is there: a server that was never started has none.
    reader: Option<BufReader<File>>,
    unfinished_line: Vec<u8>,
}

impl Log {
    fn new(server: Name, settings: &Settings) -> Self {
        let path = settings.log_file(server);
        let reader = File::open(&path).ok().map(|mut file| {
            // A file shorter than that is read from its beginning.
            let _ = file.seek(SeekFrom::End(-SHOWN_BYTES));
            BufReader::new(file)
        });
        Self { server, path, reader, unfinished_line: Vec::new() }
    }

    fn new_lines(&mut self) -> Vec<String> {
        if self.reader.is_none() {
            self.reader = File::open(&self.path).ok().map(BufReader::new);
        }
        let mut lines = Vec::new();
        let Some(reader) = &mut self.reader else { return lines };
        while reader.read_until(b'\n', &mut self.unfinished_line).is_ok_and(|length| length > 0) {
            if self.unfinished_line.ends_with(b"\n") {
                lines.push(String::from_utf8_lossy(&self.unfinished_line).trim_end().to_owned());
                self.unfinished_line.clear();
            }
        }
        lines
    }

    fn show(&self, line: &str) {
        say(format!("{:23} | {line}", self.server));
    }
}
