//! Who listens on a port, as far as `/proc` lets us see.

use std::fs;

/// "pid 123 (`redis-server 127.0.0.1:6379`)", or nothing when the process belongs to somebody we may not look at.
pub(super) fn of(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let sockets: Vec<String> = tables.iter().flat_map(|table| listening_sockets(table, port)).collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find_map(|pid| {
        let holds = open_files(pid).any(|file| sockets.contains(&file));
        holds.then(|| format!("pid {pid} (`{}`)", command(pid)))
    })
}

fn listening_sockets(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let text = fs::read_to_string(table).unwrap_or_default();
    let rows = text.lines().skip(1).filter_map(|line| {
        // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let is_it = u16::from_str_radix(local_port, 16) == Ok(port) && *fields.get(3)? == LISTEN;
        is_it.then(|| format!("socket:[{}]", fields.get(9).unwrap_or(&"")))
    });
    rows.collect()
}

fn open_files(pid: u32) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
}

fn command(pid: u32) -> String {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&arguments).replace('\0', " ");
    words.trim().chars().take(120).collect()
}
