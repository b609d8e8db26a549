//! Models and pickles. Sources: the safetensors format, GGUF, ONNX (protobuf `ModelProto`), Python's pickletools.

use crate::bytes::u64_le;
use crate::kind::Kind;

/// Models and pickles. `whole` says that `head` is everything, so that its last byte is the last.
pub fn recognise(head: &[u8], whole: bool) -> Option<Kind> {
    if head.starts_with(b"GGUF") || head.starts_with(b"ggml") || head.starts_with(b"tjgg") {
        return Some(Kind::Gguf);
    }
    if safetensors(head) {
        return Some(Kind::Safetensors);
    }
    if pickle(head, whole) {
        return Some(Kind::Pickle);
    }
    onnx(head).then_some(Kind::Onnx)
}

/// Length of a JSON header, then that header.
fn safetensors(head: &[u8]) -> bool {
    let length = u64_le(head, 0).unwrap_or(0);
    (2..1 << 30).contains(&length) && head.get(8..10) == Some(b"{\"")
}

/// Protocol 2 to 5: PROTO, then FRAME (4 and 5), or an opcode that begins an object.
fn pickle(head: &[u8], whole: bool) -> bool {
    match head {
        [0x80, 4 | 5, 0x95, rest @ ..] => u64_le(rest, 0).is_some_and(|n| n < 1 << 40),
        [0x80, 2..=5, opcode, ..] => b"(}]c)XUKMJNG\x8c\x8a\x88\x89".contains(opcode),
        // Protocol 0 and 1 begin with the class of the object and end with STOP.
        [b'c', ..] if whole => {
            head.ends_with(b".") && head.split(|b| *b == b'\n').take(3).count() == 3 && class(head)
        }
        _ => false,
    }
}

/// Two lines of dotted names after a `c`.
fn class(head: &[u8]) -> bool {
    let dotted = |line: &[u8]| {
        !line.is_empty()
            && line
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
    };
    let mut lines = head.get(1..).unwrap_or_default().split(|b| *b == b'\n');
    matches!((lines.next(), lines.next()), (Some(a), Some(b)) if dotted(a) && dotted(b))
}

/// `ModelProto`: ir_version (field 1, a small number), then producer (field 2), opset (8), or the graph (7).
fn onnx(head: &[u8]) -> bool {
    let [0x08, version, field, length, rest @ ..] = head else {
        return false;
    };
    if !(1..=20).contains(version) {
        return false;
    }
    match field {
        0x12 => {
            let name = rest.get(..usize::from(*length));
            *length > 0 && *length < 64 && name.is_some_and(|n| n.iter().all(u8::is_ascii_graphic))
        }
        // The graph's own length, then its first node.
        0x3a => rest.len() > 64 && rest.iter().take(6).any(|b| *b == 0x0a),
        0x42 => rest.len() > 64,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pickles_of_every_protocol() {
        assert_eq!(
            recognise(b"\x80\x04\x95\x0b\0\0\0\0\0\0\0]", true),
            Some(Kind::Pickle)
        );
        assert_eq!(recognise(b"\x80\x02}q\0.", true), Some(Kind::Pickle));
        assert_eq!(
            recognise(b"cnumpy.core\n_reconstruct\np0\n.", true),
            Some(Kind::Pickle)
        );
        assert_eq!(recognise(b"cat, dog\nand bird\n.", true), None);
        assert_eq!(recognise(b"\x80\x09}", true), None);
    }

    #[test]
    fn models() {
        assert_eq!(recognise(b"GGUF\x03\0\0\0", true), Some(Kind::Gguf));
        assert_eq!(
            recognise(b"\x08\0\0\0\0\0\0\0{\"a\":1}", true),
            Some(Kind::Safetensors)
        );
        assert_eq!(
            recognise(b"\x08\x08\x12\x07pytorch\x1a", false),
            Some(Kind::Onnx)
        );
        assert_eq!(recognise(b"\x08\x08\x12\x07py\0orch", false), None);
    }
}
