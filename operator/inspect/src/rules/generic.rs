//! AL-G: what is asked of any file.

super::rules! {
G002 = "AL-G002" Hold: "more files in a request than a person checks",
    "Attention is finite; a leak hides among many files.", "ours: 50",
    "Split the request, or put tables together.";
G003 = "AL-G003" Hold: "a file larger than the ceiling of its type",
    "Results are small, data is large.", "OpenSAFELY: 16 MiB; GWAS summary statistics have their own ceiling (ours)",
    "Release what the paper needs, not what the analysis wrote; leave out columns and rows nobody will read.";
G004 = "AL-G004" Hold: "a request larger than a person checks, or a day's exports of a project together",
    "Results are small, data is large.", "ours: 64 MiB, GWAS summary statistics not counted; 256 MiB in 24 hours, all counted",
    "Release what is reported, and split the request.";
G005 = "AL-G005" Hold: "content that is no known type, or another than the name says",
    "What nobody can recognise, nobody can check; a piece of a split file looks like this.", "AzureTRE and OpenSAFELY list types; by content: ours",
    "Save it as CSV, TSV, text, Markdown, JSON, PNG or JPEG, with the right extension.";
G006 = "AL-G006" Hold: "a type that is known and not on the list",
    "Types that carry scripts, layers or embedded files show less than they hold.", "ACRO blocks svg and gph; OpenSAFELY lists types",
    "Save figures as PNG and text as Markdown, and tables as CSV.";
G007 = "AL-G007" Hold: "a name that is long, or looks encoded",
    "Data was carried out in object names before.", "All of Us egress alerts; ours: 128 characters",
    "Give it a short name in words.";
G008 = "AL-G008" Hold: "hidden, backup or repository files",
    "They hold earlier versions and what was deleted.", "NHS England asks for .git to be removed",
    "Leave them out.";
G009 = "AL-G009" Block: "a link, device or other special file in an archive",
    "It stands for something that is not in the request.", "ours",
    "Release plain files.";
G010 = "AL-G010" Hold: "characters that cannot be seen or that change the order of others",
    "A reviewer reads something else than what is there.", "Trojan Source (CVE-2021-42574)",
    "Remove control, zero-width and bidirectional characters.";
G013 = "AL-G013" Hold: "a long run of base64 or hexadecimal in text, or random bytes where text is expected",
    "Anything can be written as text.", "ours: 4 KiB; 7.9 bits a byte over 64 KiB",
    "Release the thing itself, in its own file and format.";
G014 = "AL-G014" Block: "encrypted, or compressed in a way that cannot be opened here",
    "Nobody can check it.", "standards AL-G014",
    "Release it unencrypted; it is encrypted to its recipient after review.";
G015 = "AL-G015" Hold: "an archive",
    "Reviewers decide file by file.", "standards AL-G015",
    "Put the files themselves into the folder.";
G016 = "AL-G016" Block: "malware, by a signature of the SdePolicy's scanner",
    "It attacks whoever opens it.", "standards AL-G016; ClamAV",
    "Find out where it comes from, and tell the platform team.";
G019 = "AL-G019" Hold: "could not be read to its end, or took more work than allowed",
    "What was not looked at is not known to be safe.", "standards AL-G019",
    "Check that the file is whole and opens; make it smaller or simpler.";
G021 = "AL-G021" Hold: "something after the end of a format, inside another, or hidden in an image",
    "Viewers show the first thing and ignore the rest.", "standards AL-G021",
    "Save it again with a standard tool; release what is inside as a file of its own.";
G022 = "AL-G022" Block: "a key, token or password",
    "It opens other doors, and it is now known to have been in a results folder.", "gitleaks-type rules",
    "Remove it, and have it replaced where it is used.";
G023 = "AL-G023" Block: "an archive that is nested too deep, expands too far, has too many entries, or paths out of it",
    "Archives made to exhaust or to escape are no results.", "standards AL-G015: ratio 100:1, 10 000 entries, 2 GiB",
    "Put the files themselves into the folder.";
G024 = "AL-G024" Warn: "a compressed stream; what it holds was looked at",
    "It is opened here and judged by its content.", "ours",
    "Nothing. Uncompressed is quicker to review.";
G025 = "AL-G025" Block: "a file so large that it cannot be a result",
    "Results are small, data is large.", "standards AL-G003: 1 GiB; GWAS summary statistics are held instead",
    "Release what is reported.";
}
