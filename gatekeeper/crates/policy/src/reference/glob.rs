//! Patterns as text, matched the obvious way.

/// Whether a pattern, as text, matches a path.
#[must_use]
pub fn matches_text(pattern: &[u8], path: &[u8]) -> bool {
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect();
    without_braces(pattern).iter().any(|flat| {
        let flat = &plain_slashes(flat);
        let pieces: Vec<&[u8]> =
            flat.strip_prefix(b"/").unwrap_or(flat).split(|byte| *byte == b'/').collect();
        if pieces == [b""] { names.is_empty() } else { matches_names(&pieces, &names) }
    })
}

/// The folders above what a pattern without braces matches, but those that only wildcards name.
pub fn folders(text: &[u8]) -> Vec<Vec<u8>> {
    let text = plain_slashes(text);
    let pieces: Vec<&[u8]> = text.split(|byte| *byte == b'/').collect();
    let named = |end: &usize| !matches!(pieces[*end - 1], b"" | b"*" | b"**");
    (1..pieces.len()).filter(named).map(|end| pieces[..end].join(&b'/')).collect()
}

/// A slash that is taken for what it is is a slash like others.
fn plain_slashes(text: &[u8]) -> Vec<u8> {
    let (mut plain, mut bytes) = (Vec::new(), text.iter());
    while let Some(byte) = bytes.next() {
        match (byte, bytes.as_slice().first()) {
            (b'\\', Some(b'/')) => {}
            (b'\\', Some(_)) => plain.extend([Some(byte), bytes.next()].into_iter().flatten()),
            _ => plain.push(*byte),
        }
    }
    plain
}

/// The pattern once for each way through its first, outermost braces, and so on.
pub fn without_braces(text: &[u8]) -> Vec<Vec<u8>> {
    let (mut depth, mut open, mut cuts, mut at, mut class) = (0, 0, Vec::new(), 0, false);
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'[' => class = true,
            b']' => class = false,
            _ if class => {}
            b'{' => {
                if depth == 0 {
                    open = at;
                    cuts.push(at);
                }
                depth += 1;
            }
            b',' if depth == 1 => cuts.push(at),
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    cuts.push(at);
                    let branch = |ends: &[usize]| {
                        without_braces(
                            &[&text[..open], &text[ends[0] + 1..ends[1]], &text[at + 1..]].concat(),
                        )
                    };
                    return cuts.windows(2).flat_map(branch).collect();
                }
            }
            _ => {}
        }
        at += 1;
    }
    vec![text.to_vec()]
}

fn matches_names(pieces: &[&[u8]], names: &[&[u8]]) -> bool {
    match pieces.split_first() {
        None => names.is_empty(),
        Some((&b"**", rest)) => (0..=names.len()).any(|skip| matches_names(rest, &names[skip..])),
        Some((piece, rest)) => match names.split_first() {
            None => false,
            Some((name, others)) => matches_name(piece, name) && matches_names(rest, others),
        },
    }
}

/// Whether a piece of a pattern, without braces, matches the whole of a name.
pub fn matches_name(piece: &[u8], name: &[u8]) -> bool {
    match piece {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|skip| matches_name(rest, &name[skip..])),
        [b'?', rest @ ..] => one_character(rest, name, &|_| true),
        [b'[', b'!', class @ ..] => {
            let (inside, rest) = read_class(class, name.first().copied().unwrap_or(0));
            one_character(rest, name, &|_| !inside)
        }
        [b'[', class @ ..] => {
            let (inside, rest) = read_class(class, name.first().copied().unwrap_or(0));
            !name.is_empty() && inside && matches_name(rest, &name[1..])
        }
        [b'!', b'(', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b')').unwrap_or(rest.len());
            let (listed, rest) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
            let is_listed = |text: &[u8]| listed.split(|byte| *byte == b'|').any(|name| name == text);
            (0..=name.len()).any(|cut| !is_listed(&name[..cut]) && matches_name(rest, &name[cut..]))
        }
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
            name.first() == Some(byte) && matches_name(rest, &name[1..])
        }
    }
}

/// One byte that passes, or one character of UTF-8, and then the rest.
fn one_character(rest: &[u8], name: &[u8], passes: &dyn Fn(u8) -> bool) -> bool {
    let Some(first) = name.first() else { return false };
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let whole = length > 1 && name.len() >= length && name[1..length].iter().all(|byte| byte & 0xc0 == 0x80);
    (passes(*first) && matches_name(rest, &name[1..])) || (whole && matches_name(rest, &name[length..]))
}

/// Whether the byte is in the class that begins here, and what follows the class.
fn read_class(mut class: &[u8], byte: u8) -> (bool, &[u8]) {
    let mut inside = false;
    loop {
        let first = match class {
            [b']', rest @ ..] => return (inside, rest),
            [b'\\', first, rest @ ..] | [first, rest @ ..] => {
                class = rest;
                *first
            }
            [] => return (false, class),
        };
        let last = match class {
            [b'-', b']', ..] => first,
            [b'-', b'\\', last, rest @ ..] | [b'-', last, rest @ ..] => {
                class = rest;
                *last
            }
            _ => first,
        };
        inside |= (first..=last).contains(&byte);
    }
}
