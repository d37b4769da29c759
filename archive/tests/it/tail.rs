//! A Redis that loses the end of its history, as a machine that loses power with `appendfsync everysec` does.

use std::{
    fs::{self, File},
    path::PathBuf,
};

use local::Server;

use crate::redis;

/// A moment in the life of a Redis: how long its append-only file was.
pub(crate) struct Moment {
    file: PathBuf,
    bytes: u64,
}

/// Redis writes to its file before it replies, so all that was answered is in it.
pub(crate) async fn moment(redis: &Server) -> Moment {
    let replies = redis::ask(redis, "CONFIG GET dir").await;
    let folder = replies.lines().find(|line| line.starts_with('/')).unwrap();
    let files = fs::read_dir(PathBuf::from(folder).join("appendonlydir")).unwrap();
    let file =
        files.map(|file| file.unwrap().path()).find(|path| path.to_string_lossy().ends_with(".incr.aof")).unwrap();
    let bytes = file.metadata().unwrap().len();
    Moment { file, bytes }
}

impl Moment {
    /// Kills Redis, and starts it again with what it had at that moment.
    pub(crate) async fn restore(&self, redis: &Server) {
        redis.kill().await.unwrap();
        let file = File::options().write(true).open(&self.file).unwrap();
        assert!(file.metadata().unwrap().len() > self.bytes, "nothing to lose");
        file.set_len(self.bytes).unwrap();
        redis.start().await.unwrap();
    }
}
