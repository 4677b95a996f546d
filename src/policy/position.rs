//! From a character of an expression to its line and column in the YAML file.
//!
//! A scalar can be plain, quoted with escapes, or a block, so the characters of the value are walked
//! along the characters of the file. Where they part (a folded block, an alias), the place of the
//! whole scalar has to do.

use crate::yaml::At;

/// Line and column, from 1, of the character `offset` of a text in `file`.
pub(crate) fn of_character(file: &str, value: &At<String>, offset: usize) -> Option<(u32, u32)> {
    let location = value.defined;
    let line = usize::try_from(location.line()).ok()?;
    let column = usize::try_from(location.column()).ok()?;
    let lines: Vec<&str> = file.lines().skip(line.checked_sub(1)?).collect();
    let first = lines.first()?.chars().skip(column.checked_sub(1)?).collect::<Vec<char>>();
    let (down, right) = match first.first()? {
        '|' => in_block(&lines, &value.value, offset)?,
        '"' => (0, column.saturating_add(in_double_quotes(&first, &value.value, offset)?)),
        '\'' => (0, column.saturating_add(in_single_quotes(&first, &value.value, offset)?)),
        _ => (0, column.saturating_add(in_plain(&first, &value.value, offset)?)),
    };
    let line = u32::try_from(line.saturating_add(down)).ok()?;
    Some((line, u32::try_from(right).ok()?))
}

fn in_plain(written: &[char], value: &str, offset: usize) -> Option<usize> {
    let same = value.chars().zip(written).take(offset).all(|(left, right)| left == *right);
    (same && offset <= written.len()).then_some(offset)
}

fn in_single_quotes(written: &[char], value: &str, offset: usize) -> Option<usize> {
    let mut at = 1_usize;
    for wanted in value.chars().take(offset) {
        if *written.get(at)? != wanted {
            return None;
        }
        // Two quotes stand for one.
        at = at.saturating_add(if wanted == '\'' { 2 } else { 1 });
    }
    Some(at)
}

fn in_double_quotes(written: &[char], value: &str, offset: usize) -> Option<usize> {
    let mut at = 1_usize;
    for wanted in value.chars().take(offset) {
        let length = match written.get(at)? {
            '\\' => match written.get(at.saturating_add(1))? {
                'x' => 4,
                'u' => 6,
                'U' => 10,
                _ => 2,
            },
            same if *same == wanted => 1,
            _ => return None,
        };
        at = at.saturating_add(length);
    }
    Some(at)
}

/// Lines down and the column, in a literal block (`|`).
fn in_block(lines: &[&str], value: &str, offset: usize) -> Option<(usize, usize)> {
    let before: String = value.chars().take(offset).collect();
    let down = before.matches('\n').count();
    let in_line = before.chars().rev().take_while(|character| *character != '\n').count();
    let wanted = value.lines().nth(down)?;
    let source = lines.get(down.saturating_add(1))?;
    let indent = source.strip_suffix(wanted)?.chars().count();
    Some((down.saturating_add(1), indent.saturating_add(in_line).saturating_add(1)))
}
