//! What is printed: plain lines of at most 100 columns, in colour where a person looks at them.

use std::io::IsTerminal as _;

const WIDTH: usize = 98;

/// What a text means to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Title,
    Faint,
    Good,
    Masked,
    Bad,
}

/// A text in one column of a table.
pub struct Cell {
    pub text: String,
    pub tone: Tone,
}

/// Standard output.
pub struct Page {
    colour: bool,
}

impl Page {
    pub fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none();
        Self { colour: wanted && std::io::stdout().is_terminal() }
    }

    pub fn line(&self, tone: Tone, text: &str) {
        println!("  {}", self.toned(tone, text));
    }

    pub fn heading(&self, number: usize, text: &str) {
        println!(
            "\n{} {}",
            self.toned(Tone::Faint, &number.to_string()),
            self.toned(Tone::Title, text)
        );
    }

    /// Prints titles, a rule and rows; a text that is too long for its column is cut.
    pub fn table(&self, widths: &[usize], titles: &[&str], rows: &[Vec<Cell>]) {
        let titles: Vec<Cell> = titles.iter().map(|title| cell(title, Tone::Title)).collect();
        println!();
        self.row(widths, &titles);
        println!("  {}", self.toned(Tone::Faint, &"─".repeat(WIDTH - 2)));
        for row in rows {
            self.row(widths, row);
        }
    }

    fn row(&self, widths: &[usize], cells: &[Cell]) {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let text = fitted(&cell.text, width.saturating_sub(1));
            let padding = width.saturating_sub(text.chars().count());
            line.push_str(&self.toned(cell.tone, &text));
            line.push_str(&" ".repeat(padding));
        }
        println!("  {}", line.trim_end());
    }

    fn toned(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Title => "1",
            Tone::Faint => "2",
            Tone::Good => "32",
            Tone::Masked => "33",
            Tone::Bad => "31",
        };
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

pub fn cell(text: &str, tone: Tone) -> Cell {
    Cell { text: text.to_owned(), tone }
}

fn fitted(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
