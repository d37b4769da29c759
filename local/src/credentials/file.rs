//! The file: lines of `NAME=value`, as a shell reads them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;

use super::{Credentials, ID};

/// 32 letters are 182 bits.
const LETTERS: usize = 32;

pub(super) fn keep(file: &Path, names: &[&str]) -> Result<Credentials> {
    let mut values = read(file)?.unwrap_or_default();
    let missing: Vec<_> = names.iter().filter(|name| !values.contains_key(**name)).collect();
    if !missing.is_empty() {
        let is_new = values.is_empty();
        for name in missing {
            values.insert((*name).to_owned(), draw()?);
        }
        // Another set now than the one that a database was made with.
        values.insert(ID.to_owned(), draw()?);
        if !write(file, &values, is_new)? {
            values = read(file)?.context("it was there a moment ago")?;
        }
    }
    Ok(Credentials { values })
}

fn read(file: &Path) -> Result<Option<BTreeMap<String, String>>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(Some(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
}

/// False: somebody else has made a new one in the meantime.
fn write(file: &Path, values: &BTreeMap<String, String>, is_new: bool) -> Result<bool> {
    let folder = file.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)?;
    // For its owner alone from the start, and whole when it has its name.
    let mut unnamed = NamedTempFile::new_in(folder)?;
    for (name, value) in values {
        writeln!(unnamed, "{name}={value}")?;
    }
    if !is_new {
        unnamed.persist(file)?;
        return Ok(true);
    }
    match unnamed.persist_noclobber(file) {
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        result => Ok(result.map(|_| true)?),
    }
}

/// Letters only: they mean themselves in a URL, in a shell and in the configuration of every server.
fn draw() -> Result<String> {
    const ALPHABET: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut random = File::open("/dev/urandom").context("/dev/urandom")?;
    let mut word = String::with_capacity(LETTERS);
    while word.len() < LETTERS {
        let mut byte = [0];
        random.read_exact(&mut byte)?;
        // Above the last multiple of 52 some letters would be likelier than others.
        if byte[0] < 208 {
            word.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        }
    }
    Ok(word)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn passwords_are_drawn_once_kept_and_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data/credentials");
        let names = ["REDIS_WORKER_PASSWORD"];
        let first = keep(&file, &names).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(first.values.values().all(|value| value.len() == LETTERS));
        assert_eq!(keep(&file, &names).unwrap().values, first.values);
        assert!(!format!("{first:?}").contains(&first.values["REDIS_WORKER_PASSWORD"]));

        let second = keep(&file, &["REDIS_WORKER_PASSWORD", "NATS_WORKER_PASSWORD"]).unwrap();
        assert_eq!(second.values["REDIS_WORKER_PASSWORD"], first.values["REDIS_WORKER_PASSWORD"]);
        assert_ne!(second.id(), first.id());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    }
}
