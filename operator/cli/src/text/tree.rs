//! A tree of lines.

use super::{Line, Paint};

/// A line with lines below it.
#[derive(Debug, Clone)]
pub struct Tree {
    line: Line,
    /// Where later rows of a wrapped line begin.
    hang: usize,
    below: Vec<Tree>,
}

impl Tree {
    /// A leaf.
    pub fn new(line: Line) -> Self {
        Self {
            line,
            hang: 2,
            below: Vec::new(),
        }
    }

    /// A leaf whose wrapped rows begin at column `hang`.
    pub fn hanging(line: Line, hang: usize) -> Self {
        Self {
            hang,
            ..Self::new(line)
        }
    }

    /// Adds a branch.
    pub fn push(&mut self, tree: Tree) {
        self.below.push(tree);
    }

    /// Adds a leaf.
    pub fn leaf(&mut self, line: Line) {
        self.push(Self::new(line));
    }

    /// As text, wrapped at `width` characters, with a newline at the end.
    pub fn render(&self, paint: Paint, width: usize) -> String {
        let mut out = String::new();
        self.write(paint, width, "", "", &mut out);
        out
    }

    fn write(&self, paint: Paint, width: usize, first: &str, rest: &str, out: &mut String) {
        let room = width.saturating_sub(rest.chars().count()).max(30);
        // Rows of a wrapped line keep the trunk of what hangs below it.
        let trunk = if self.below.is_empty() { "" } else { "│" };
        for (i, row) in self.line.wrapped(paint, room, self.hang).iter().enumerate() {
            if i == 0 {
                out.push_str(first);
                out.push_str(row);
            } else {
                out.push_str(rest);
                out.push_str(trunk);
                out.push_str(row.get(trunk.chars().count()..).unwrap_or(row));
            }
            out.push('\n');
        }
        for (i, child) in self.below.iter().enumerate() {
            let last = i + 1 == self.below.len();
            let (branch, trunk) = if last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            child.write(
                paint,
                width,
                &format!("{rest}{branch}"),
                &format!("{rest}{trunk}"),
                out,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_rows_keep_the_trunk() {
        let mut root = Tree::new(Line::plain("root"));
        let mut a = Tree::new(Line::plain(
            "one two three four five six seven eight nine ten",
        ));
        a.leaf(Line::plain("leaf"));
        root.push(a);
        root.leaf(Line::plain("last one two three four five six seven"));
        let text = root.render(Paint(false), 33);
        assert_eq!(
            text,
            "root\n├─ one two three four five six\n│  │ seven eight nine ten\n│  └─ leaf\n└─ last one two three four five\n     six seven\n"
        );
    }
}
