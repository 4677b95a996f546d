//! The name of a set: a hash of what it was loaded from.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256, digest};

use super::load::Source;

/// `dir:` and the first 12 hex digits of SHA-256 over the sorted names and contents. Names count
/// from the directory that all files share, so that two nodes with the policies in different places
/// agree; keys do not count, so that a repository can be compared without them.
pub(super) fn of_sources(sorted: &[&Source]) -> Arc<str> {
    let hash = hash(sorted, &[]);
    let short: String = hex(&hash).chars().take(12).collect();
    format!("dir:{short}").into()
}

/// The same with the keys of masks, in full: what decides whether two sets mask alike.
pub(super) fn with_keys(sorted: &[&Source], keys: &[[u8; 32]]) -> Arc<str> {
    hex(&hash(sorted, keys)).into()
}

/// SHA-256 of a key.
pub(super) fn of_key(key: &[u8]) -> [u8; 32] {
    array(digest(&SHA256, key).as_ref())
}

fn hash(sorted: &[&Source], keys: &[[u8; 32]]) -> [u8; 32] {
    let shared = shared_directory(sorted);
    let mut context = Context::new(&SHA256);
    let mut add = |part: &[u8]| {
        // The length before the part: no two lists of parts run together to the same bytes.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    };
    for source in sorted {
        let name = source.file.strip_prefix(shared).unwrap_or(&source.file);
        add(name.as_bytes());
        add(source.text.as_bytes());
    }
    for key in keys {
        add(key);
    }
    array(context.finish().as_ref())
}

/// The longest common part of the names that ends behind a slash.
fn shared_directory<'s>(sorted: &[&'s Source]) -> &'s str {
    let Some(first) = sorted.first() else { return "" };
    let mut shared = directory(&first.file);
    for source in sorted {
        while !source.file.starts_with(shared) {
            shared = directory(shared.strip_suffix('/').unwrap_or(shared));
        }
    }
    shared
}

/// Everything up to the last slash, which stays.
fn directory(name: &str) -> &str {
    let end = name.rfind('/').map_or(0, |slash| slash.saturating_add(1));
    name.get(..end).unwrap_or("")
}

fn array(bytes: &[u8]) -> [u8; 32] {
    bytes.first_chunk::<32>().copied().unwrap_or([0; 32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Source, of_sources, shared_directory, with_keys};

    fn source(file: &str) -> Source {
        Source { file: file.to_owned(), text: "a".to_owned() }
    }

    #[test]
    fn the_place_of_the_directory_does_not_count() {
        let (a, b) = (source("/etc/x/a.yaml"), source("/etc/x/sub/b.yaml"));
        assert_eq!(shared_directory(&[&a, &b]), "/etc/x/");
        let (c, d) = (source("p/a.yaml"), source("p/sub/b.yaml"));
        assert_eq!(of_sources(&[&a, &b]), of_sources(&[&c, &d]));
        assert_eq!(of_sources(&[&a, &b]).len(), "dir:".len() + 12);
        let e = source("p/sub/c.yaml");
        assert_ne!(of_sources(&[&c, &d]), of_sources(&[&c, &e]));
        assert_eq!(shared_directory(&[&source("a.yaml"), &source("b/c.yaml")]), "");
    }

    #[test]
    fn a_new_key_is_a_new_digest_and_the_same_revision() {
        let a = source("a.yaml");
        assert_ne!(with_keys(&[&a], &[[1; 32]]), with_keys(&[&a], &[[2; 32]]));
        assert_ne!(with_keys(&[&a], &[]), with_keys(&[&a], &[[0; 32]]));
    }
}
