//! Whether evidence can be written, and for how long.

use std::path::Path;

use super::Patient;
use super::finding::Findings;

/// Below this share of the disk, or of this many bytes, evidence is about to stop.
const FREE_PERCENT_MIN: u64 = 5;
const FREE_PERCENT_WARNING: u64 = 20;
const FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;

/// The directory can be written to, and the disk has room.
pub(super) async fn space(mut into: Findings, patient: &Patient<'_>) -> Findings {
    let directory = &patient.config.audit.directory;
    if let Err(error) = probe(directory) {
        into.fail(
            format!("{} cannot be written to: {error}", directory.display()),
            "give this user the directory; with audit.required traffic is refused without it",
        );
        return into;
    }
    match rustix::fs::statvfs(directory) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let all = disk.f_blocks.saturating_mul(disk.f_frsize).max(1);
            let percent = free.saturating_mul(100) / all;
            let mib = free / (1024 * 1024);
            let found = format!("{}: {mib} MiB free ({percent} %)", directory.display());
            if percent < FREE_PERCENT_MIN || free < FREE_BYTES_MIN {
                into.fail(found, "free the disk, or move audit.dir: a full one stops all traffic");
            } else if percent < FREE_PERCENT_WARNING {
                into.warn(found, "ship finished Parquet files elsewhere, or give it more room");
            } else {
                into.ok(found);
            }
        }
        Err(error) => into.fail(
            format!("{}: the disk does not say how full it is: {error}", directory.display()),
            "audit.dir must be on a file system of this machine",
        ),
    }
    into
}

fn probe(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let file = directory.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&file, b"probe")?;
    std::fs::remove_file(&file)
}
