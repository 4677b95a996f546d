//! Frames with random values, written straight from the committed table by a reader of its own:
//! what the check accepts and what this writes were made from the same lines by different code.

use std::collections::HashMap;

use lockgate::wire::shape::{Direction, apis};

use crate::mutation::Random;

/// Array elements in one frame, so that it stays small where arrays nest.
const ELEMENTS_MAX: usize = 120;

const TABLE: &str = include_str!("../../src/wire/shape/kafka-4.3.1.txt");

/// A message body, and where it belongs.
#[derive(Debug, Clone)]
pub struct Frame {
    pub direction: Direction,
    pub key: i16,
    pub version: i16,
    pub body: Vec<u8>,
    pub unknown_tags: u32,
}

impl Frame {
    /// The frame in the form that `fuzz_one` reads.
    pub fn for_fuzzing(&self) -> Vec<u8> {
        let response = u8::from(self.direction == Direction::Response) << 7;
        [&[self.key as u8 | response, self.version as u8], &self.body[..]].concat()
    }
}

/// Whether a frame has tags that no definition knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Known,
    WithUnknownTags,
}

/// A line of the table and the deeper lines behind it.
struct Node {
    words: Vec<&'static str>,
    below: Vec<Node>,
}

/// Fields and shared structs of every message.
pub struct Definitions {
    messages: HashMap<(i16, Direction), Vec<Node>>,
}

impl Definitions {
    pub fn read() -> Self {
        let mut lines = TABLE.lines().filter(|line| !line.starts_with('#')).peekable();
        let mut messages = HashMap::new();
        let mut key = -1;
        while let Some(line) = lines.next() {
            let mut words = line.split(' ');
            let direction = match words.next() {
                Some("api") => {
                    key = words.next().expect("a key").parse().expect("a number");
                    continue;
                }
                Some("request") => Direction::Request,
                Some("response") => Direction::Response,
                word => panic!("{word:?} in {line:?}"),
            };
            messages.insert((key, direction), nodes(&mut lines, 1));
        }
        Self { messages }
    }

    /// Whether the message has tagged fields at this version.
    pub fn has_tagged_fields(&self, direction: Direction, key: i16, version: i16) -> bool {
        let mut nodes: Vec<&Node> = self.messages[&(key, direction)].iter().collect();
        while let Some(node) = nodes.pop() {
            let is_field = node.words[0] != "struct";
            if is_field && node.word("tag").is_some() && holds(node.words[2], version) {
                return true;
            }
            nodes.extend(&node.below);
        }
        false
    }

    /// A frame of the API with random values.
    pub fn frame(
        &self,
        direction: Direction,
        key: i16,
        version: i16,
        kind: Kind,
        random: &mut Random,
    ) -> Frame {
        let api = apis().find(|api| api.key == key).expect("a known key");
        let nodes = &self.messages[&(key, direction)];
        let mut writer = Writer {
            shared: nodes.iter().filter(|node| node.words[0] == "struct").collect(),
            version,
            flexible: api.flexible_from.is_some_and(|first| first <= version),
            kind,
            random,
            unknown_tags: 0,
            elements_left: ELEMENTS_MAX,
        };
        let mut body = Vec::new();
        writer.fields(nodes, &mut body);
        let unknown_tags = writer.unknown_tags;
        Frame { direction, key, version, body, unknown_tags }
    }
}

fn nodes(
    lines: &mut std::iter::Peekable<impl Iterator<Item = &'static str>>,
    depth: usize,
) -> Vec<Node> {
    let mut found = Vec::new();
    let indent = |line: &&str| line.len() - line.trim_start().len() == depth;
    while let Some(line) = lines.next_if(indent) {
        let words = line.trim_start().split(' ').collect();
        found.push(Node { words, below: nodes(lines, depth + 1) });
    }
    found
}

impl Node {
    /// The word behind `name`, if the line has it.
    fn word(&self, name: &str) -> Option<&'static str> {
        let at = self.words.iter().skip(3).position(|word| *word == name)?;
        self.words.get(at + 4).copied()
    }
}

fn holds(versions: &str, version: i16) -> bool {
    if let Some(first) = versions.strip_suffix('+') {
        return first.parse::<i16>().expect("a version") <= version;
    }
    let (first, last) = versions.split_once('-').unwrap_or((versions, versions));
    (first.parse().expect("a version")..=last.parse().expect("a version")).contains(&version)
}

struct Writer<'d, 'r> {
    shared: Vec<&'d Node>,
    version: i16,
    flexible: bool,
    kind: Kind,
    random: &'r mut Random,
    unknown_tags: u32,
    elements_left: usize,
}

impl<'d> Writer<'d, '_> {
    fn fields(&mut self, nodes: &'d [Node], body: &mut Vec<u8>) {
        let mut tagged: Vec<(u32, &'d Node)> = Vec::new();
        for node in nodes.iter().filter(|node| node.words[0] != "struct") {
            if !holds(node.words[2], self.version) {
                continue;
            }
            match node.word("tag") {
                Some(tag) => tagged.push((tag.parse().expect("a tag"), node)),
                None => self.field(node, body),
            }
        }
        if self.flexible {
            tagged.retain(|_| self.random.once_in(2));
            tagged.sort_by_key(|(tag, _)| *tag);
            self.tags(&tagged, body);
        }
    }

    fn tags(&mut self, tagged: &[(u32, &'d Node)], body: &mut Vec<u8>) {
        let unknown = match self.kind {
            Kind::WithUnknownTags => self.random.below(6).saturating_sub(3),
            Kind::Known => 0,
        };
        varint((tagged.len() + unknown) as u32, body);
        for (tag, node) in tagged {
            let mut value = Vec::new();
            self.field(node, &mut value);
            varint(*tag, body);
            varint(value.len() as u32, body);
            body.extend(value);
        }
        let mut tag = 9;
        for _ in 0..unknown {
            tag += 1 + self.random.below(1 << 20) as u32;
            let size_max = if self.random.once_in(16) { 300 } else { 8 };
            let size = self.random.below(size_max);
            varint(tag, body);
            varint(size as u32, body);
            body.extend((0..size).map(|_| self.random.next() as u8));
            self.unknown_tags += 1;
        }
    }

    fn field(&mut self, node: &'d Node, body: &mut Vec<u8>) {
        let nullable = node.word("null").is_some_and(|versions| holds(versions, self.version));
        let null = nullable && self.random.once_in(3);
        let Some(element) = node.words[1].strip_prefix("[]") else {
            return self.value(node, node.words[1], nullable, null, body);
        };
        let count_max = if self.random.once_in(12) { 40 } else { 4 };
        let count = self.random.below(count_max).min(self.elements_left);
        self.elements_left -= count;
        self.length(if null { None } else { Some(count) }, false, body);
        for _ in 0..if null { 0 } else { count } {
            self.value(node, element, false, false, body);
        }
    }

    fn value(
        &mut self,
        node: &'d Node,
        kind: &str,
        nullable: bool,
        null: bool,
        body: &mut Vec<u8>,
    ) {
        let fixed = match kind {
            "bool" => return body.push(self.random.below(2) as u8),
            "int8" => 1,
            "int16" | "uint16" => 2,
            "int32" | "uint32" => 4,
            "int64" | "float64" => 8,
            "uuid" => 16,
            "string" | "bytes" | "records" => {
                let text: String = (0..self.random.below(9)).map(|_| self.character()).collect();
                self.length(if null { None } else { Some(text.len()) }, kind == "string", body);
                body.extend_from_slice(if null { &[] } else { text.as_bytes() });
                return;
            }
            _ => {
                if nullable {
                    body.push(if null { 0xff } else { 1 });
                }
                if !null {
                    let shared = self.shared.iter().find(|node| node.words[1] == kind);
                    let own = Some(node).filter(|node| !node.below.is_empty());
                    self.fields(&own.or(shared.copied()).expect(kind).below, body);
                }
                return;
            }
        };
        body.extend((0..fixed).map(|_| self.random.next() as u8));
    }

    fn length(&mut self, length: Option<usize>, short: bool, body: &mut Vec<u8>) {
        match (self.flexible, short) {
            (true, _) => varint(length.map_or(0, |length| length as u32 + 1), body),
            (false, true) => {
                body.extend(length.map_or(-1, |length| length as i16).to_be_bytes());
            }
            (false, false) => {
                body.extend(length.map_or(-1, |length| length as i32).to_be_bytes());
            }
        }
    }

    fn character(&mut self) -> char {
        ['a', 'Z', '.', '-', '\u{0}', '\u{e9}', '\u{20ac}', '\u{1f511}'][self.random.below(8)]
    }
}

fn varint(mut value: u32, body: &mut Vec<u8>) {
    while value >= 0x80 {
        body.push(value as u8 | 0x80);
        value >>= 7;
    }
    body.push(value as u8);
}
