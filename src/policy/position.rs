//! From a character of an expression to its line and column in the YAML file.
//!
//! A scalar can be plain, quoted with escapes, or a block, so the characters of the value are
//! walked along the characters of the file. Where they part (a quoted text over several lines), the
//! place of the whole scalar has to do.

use crate::yaml::At;

/// Line and column, from 1, of the character `offset` of a text in `file`.
pub(crate) fn of_character(file: &str, value: &At<String>, offset: usize) -> Option<(u32, u32)> {
    let location = value.defined;
    let line = usize::try_from(location.line()).ok()?;
    let column = usize::try_from(location.column()).ok()?;
    let lines: Vec<&str> = file.lines().skip(line.checked_sub(1)?).collect();
    let first = lines.first()?.chars().skip(column.checked_sub(1)?).collect::<Vec<char>>();
    let (down, right) = match first.first()? {
        '"' => (0, column.saturating_add(in_double_quotes(&first, &value.value, offset)?)),
        '\'' => (0, column.saturating_add(in_single_quotes(&first, &value.value, offset)?)),
        _ => in_lines(&lines, column.checked_sub(1)?, &value.value, offset)?,
    };
    let line = u32::try_from(line.saturating_add(down)).ok()?;
    Some((line, u32::try_from(right).ok()?))
}

/// Lines down and the column, in a plain scalar or a block (whose place is its first character).
/// Where the file has a line break, the value has a break or, folded, a space.
fn in_lines(lines: &[&str], start: usize, value: &str, offset: usize) -> Option<(usize, usize)> {
    let (mut down, mut right) = (0_usize, start);
    let mut characters = value.chars().take(offset.saturating_add(1)).peekable();
    let mut walked = 0_usize;
    while let Some(wanted) = characters.next() {
        if walked == offset {
            break;
        }
        walked = walked.saturating_add(1);
        match lines.get(down)?.chars().nth(right) {
            Some(found) if found == wanted => right = right.saturating_add(1),
            None if matches!(wanted, '\n' | ' ') => {
                down = down.saturating_add(1);
                let next = lines.get(down)?;
                let indent = next.chars().take_while(|letter| *letter == ' ').count();
                // More indented than the block: the spaces are part of the value.
                right = if characters.peek() == Some(&' ') { start.min(indent) } else { indent };
            }
            Some(_) | None => return None,
        }
    }
    Some((down, right.saturating_add(1)))
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
