//! Files with a JSON value in each line.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Lines that wait to be written. Whoever writes faster than the disk waits.
const QUEUE: usize = 16_384;
const BATCH_MAX: usize = 1_024;

/// Writes a file from many tasks at once.
pub struct Writer<T> {
    sender: mpsc::Sender<T>,
    file: JoinHandle<Result<u64>>,
}

impl<T: Serialize + Send + 'static> Writer<T> {
    pub fn create(path: PathBuf) -> Result<Self> {
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let file = tokio::task::spawn_blocking(move || {
            write(file, receiver).with_context(|| format!("cannot write {}", path.display()))
        });
        Ok(Self { sender, file })
    }

    /// A line is lost only if the file cannot be written, which `close` tells.
    pub fn sender(&self) -> mpsc::Sender<T> {
        self.sender.clone()
    }

    pub async fn send(&self, line: T) -> Result<()> {
        self.sender.send(line).await.map_err(|_| anyhow!("the file is written no more"))
    }

    /// Returns when all senders are gone and the last line is written: how many there are.
    pub async fn close(self) -> Result<u64> {
        drop(self.sender);
        self.file.await?
    }
}

fn write<T: Serialize>(file: File, mut receiver: mpsc::Receiver<T>) -> Result<u64> {
    let (mut file, mut count) = (BufWriter::new(file), 0);
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while receiver.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
        for line in batch.drain(..) {
            serde_json::to_writer(&mut file, &line)?;
            file.write_all(b"\n")?;
            count += 1;
        }
    }
    file.flush()?;
    Ok(count)
}

/// Reads a file line by line.
pub struct Lines<T> {
    path: PathBuf,
    reader: BufReader<File>,
    number: u64,
    line: String,
    read: PhantomData<T>,
}

pub fn lines<T: DeserializeOwned>(path: &Path) -> Result<Lines<T>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Lines {
        path: path.to_path_buf(),
        reader: BufReader::new(file),
        number: 0,
        line: String::new(),
        read: PhantomData,
    })
}

impl<T: DeserializeOwned> Iterator for Lines<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        self.line.clear();
        self.number += 1;
        let read = self.reader.read_line(&mut self.line).map_err(anyhow::Error::from);
        let parsed = match read {
            Ok(0) => return None,
            Ok(_) => serde_json::from_str(&self.line).map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        Some(parsed.with_context(|| format!("{}, line {}", self.path.display(), self.number)))
    }
}
