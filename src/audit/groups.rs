//! The id under which a list of identity groups stands in the rows.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};

/// The first 16 hexadecimal digits of SHA-256 over the sorted list without repeats, each name
/// preceded by its length in bytes (u32, big endian), so that no name can pose as two.
pub fn groups_id(groups: &[Arc<str>]) -> String {
    let mut context = Context::new(&SHA256);
    for name in sorted(groups) {
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        context.update(&length.to_be_bytes());
        context.update(name.as_bytes());
    }
    hex(context.finish().as_ref().iter().take(8))
}

/// The list as it is hashed and stored: sorted by bytes, every name once.
pub fn sorted(groups: &[Arc<str>]) -> Vec<&str> {
    let mut names: Vec<&str> = groups.iter().map(AsRef::as_ref).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Lower-case hexadecimal.
pub fn hex<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> String {
    use std::fmt::Write as _;
    bytes.into_iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    #[test]
    fn order_and_repeats_do_not_matter_and_names_do() {
        let id = groups_id(&list(&["support", "analysts"]));
        assert_eq!(id.len(), 16);
        assert_eq!(id, groups_id(&list(&["analysts", "support", "support"])));
        assert_ne!(id, groups_id(&list(&["analystssupport"])));
        assert_ne!(groups_id(&list(&["a", "b"])), groups_id(&list(&["ab"])));
        // echo -n | sha256sum, the well-known digest of nothing.
        assert_eq!(groups_id(&[]), "e3b0c44298fc1c14");
    }
}
