"""Words of names: titles, letters behind them, short forms, endings of companies, letters that are no A to Z."""

from __future__ import annotations

TITLES = (
    *("MR", "MRS", "MS", "MISS", "MX", "DR", "SIR", "DAME", "LORD", "LADY", "PROF", "PROFESSOR", "REV", "REVEREND"),
    *("HON", "RABBI", "IMAM", "MASTER", "MADAM", "CLLR", "CAPT", "MAJOR", "COL"),
)
LETTERS = ("OBE", "MBE", "CBE", "KC", "QC", "JP", "ESQ", "ESQUIRE", "BSC", "PHD", "FRICS", "MRICS", "JNR", "SNR", "JR")
"""What stands behind a name and is no part of it."""

LIMITED = {
    "LIMITED": "LTD",
    "LTD": "LTD",
    "CYFYNGEDIG": "LTD",
    "CYF": "LTD",
    "PLC": "PLC",
    "LLP": "LLP",
    "CIC": "CIC",
    "CIO": "CIO",
    "LP": "LP",
    "INC": "INC",
    "INCORPORATED": "INC",
    "GMBH": "GMBH",
    "BV": "BV",
    "SARL": "SARL",
}
"""Legal forms, each in one spelling (Companies Act 2006, sections 58 to 60, for the British ones)."""

TRADES = (
    *("PROPERTIES", "PROPERTY", "LETTINGS", "ESTATES", "ESTATE", "HOMES", "HOUSING", "MANAGEMENT", "INVESTMENTS"),
    *("HOLDINGS", "GROUP", "COMPANY", "ASSOCIATION", "TRUST", "RESIDENTIAL", "LIVING", "COUNCIL", "UNIVERSITY"),
    *("DEVELOPMENTS", "SERVICES", "VENTURES", "PARTNERS", "RENTALS", "ACCOMMODATION", "AGENTS", "AGENCY", "CO"),
)
"""Words at whose hand a name is that of a firm, and by which alone no firm is told apart."""

PLAIN = frozenset([*TRADES, *LIMITED.values(), "LIMITED", "AND", "UK", "LONDON", "THE", "OF"])

SPELLINGS = {
    "PROPERTYS": "PROPERTIES",
    "MANAGMENT": "MANAGEMENT",
    "MGMT": "MANAGEMENT",
    "MGT": "MANAGEMENT",
    "INV": "INVESTMENTS",
    "HLDGS": "HOLDINGS",
    "ASSOC": "ASSOCIATION",
    "DEVS": "DEVELOPMENTS",
    "SVCS": "SERVICES",
    "PROPS": "PROPERTIES",
    "RES": "RESIDENTIAL",
    "CO": "COMPANY",
    "SAINT": "ST",
}
"""Abbreviations in names of firms."""

LETTER = str.maketrans(
    {
        "Æ": "AE",
        "Œ": "OE",
        "Ø": "O",
        "Ł": "L",
        "Đ": "D",
        "Ð": "D",
        "Þ": "TH",
        "ẞ": "SS",
        "ß": "SS",
        "İ": "I",
        "ı": "I",
        "Ə": "A",
        "Ħ": "H",
        "А": "A",
        "Б": "B",
        "В": "V",
        "Г": "G",
        "Д": "D",
        "Е": "E",
        "Ж": "ZH",
        "З": "Z",
        "И": "I",
        "Й": "Y",
        "К": "K",
        "Л": "L",
        "М": "M",
        "Н": "N",
        "О": "O",
        "П": "P",
        "Р": "R",
        "С": "S",
        "Т": "T",
        "У": "U",
        "Ф": "F",
        "Х": "KH",
        "Ц": "TS",
        "Ч": "CH",
        "Ш": "SH",
        "Щ": "SHCH",
        "Ъ": "",
        "Ы": "Y",
        "Ь": "",
        "Э": "E",
        "Ю": "YU",
        "Я": "YA",
        "І": "I",
        "Є": "YE",
        "Ґ": "G",
        "Α": "A",
        "Β": "V",
        "Γ": "G",
        "Δ": "D",
        "Ε": "E",
        "Ζ": "Z",
        "Η": "I",
        "Θ": "TH",
        "Ι": "I",
        "Κ": "K",
        "Λ": "L",
        "Μ": "M",
        "Ν": "N",
        "Ξ": "X",
        "Ο": "O",
        "Π": "P",
        "Ρ": "R",
        "Σ": "S",
        "Τ": "T",
        "Υ": "Y",
        "Φ": "F",
        "Χ": "CH",
        "Ψ": "PS",
        "Ω": "O",
    }
)
"""Capitals that are no Latin letter with a mark, as passports write them (after ICAO Doc 9303, part 3)."""

SHORT_FORMS = """
ABDUL ABDULLAH ABDALLAH|ABIGAIL ABBY GAIL|ALBERT BERT BERTIE AL|ALEXANDER ALEX ALEC SANDY ALASDAIR|ALEXANDRA SANDRA
ALFRED ALF ALFIE|ANDREW ANDY DREW|ANN ANNE ANNIE NAN ANNA|ANTHONY TONY ANTONY|ARCHIBALD ARCHIE|ARTHUR ART
BARBARA BARB
BENJAMIN BEN BENNY|BERNARD BERNIE|CAROLINE CAROL CARRIE|CATHERINE CATE CATHY KATE KATHERINE KATHRYN KITTY KATIE
CHARLES CHARLIE CHAS CHUCK|CHRISTINE CHRISTINA CHRISSIE|CHRISTOPHER CHRIS KIT|CONSTANCE CONNIE|DANIEL DAN DANNY
DAVID DAVE DAVEY|DEBORAH DEBBIE DEB|DENNIS DENIS DEN|DOROTHY DOT DOLLY|DOUGLAS DOUG|EDMUND EDDY|EDWARD ED EDDIE TED NED
ELEANOR NELL ELLIE NORA|ELIZABETH LIZ BETH BETTY ELIZA LIZZIE BESS LISA ELISABETH|EMMA EM|EUGENE GENE|EVELYN EVE
FLORENCE FLO|FRANCES FANNY FRAN|FRANCIS FRANK FRANKIE|FREDERICK FRED FREDDIE FREDRICK|GEOFFREY GEOFF JEFFREY JEFF
GEORGE GEORGIE|GERALD GERRY|GREGORY GREG|HAROLD HARRY HAL|HARRIET HATTIE|HENRY HARRY HANK|HELEN NELLIE LENA|HERBERT HERB
ISABELLA ISABEL BELLA ISOBEL|JACOB JAKE|JAMES JIM JIMMY JAMIE JEM|JANE JANIE JENNY|JENNIFER JEN JENNY|JESSICA JESS
JOHN JACK JOHNNY JON|JONATHAN JON|JOSEPH JOE JOEY|JOSHUA JOSH
JUDITH JUDY|KENNETH KEN|LAWRENCE LARRY LAURENCE|LEONARD LEN
LOUIS LEWIS LOU|MARGARET MAGGIE MEG PEGGY MADGE MARGE|MARTHA PATTY|MARTIN MARTY|MARY MOLLY POLLY MAY|MATILDA TILLY MAUD
MATTHEW MATT|MICHAEL MIKE MICK MICKEY|MOHAMMED MOHAMMAD MUHAMMAD MOHAMED MOHAMAD MUHAMMED MOHD MD|NATHANIEL NAT NATHAN
NICHOLAS NICK NICOLAS|OLIVER OLLIE|PAMELA PAM|PATRICIA PAT TRISH|PATRICK PADDY PAT|PETER PETE|PHILIP PHIL PHILLIP
RAYMOND RAY|REBECCA BECKY|REGINALD REG|RICHARD DICK RICK RICH RICHIE|ROBERT BOB ROB BOBBY BERT ROBBIE|RONALD RON
ROSEMARY ROSE ROSIE|RUPERT RU|SAMUEL SAM SAMMY|SARAH SALLY SADIE SARA|SIDNEY SID SYDNEY|SOPHIA SOPHIE|STANLEY STAN
STEPHEN STEVE STEVEN|SUSAN SUE SUSANNAH SUSIE SUSANNA|TERENCE TERRY|THEODORE THEO TED|THERESA TESS TERESA TERRY
THOMAS TOM TOMMY|TIMOTHY TIM|VICTORIA VICKY VIC|VICTOR VIC|VINCENT VINCE
WALTER WALT WAT|WILLIAM BILL WILL BILLY WILLIE LIAM
WINIFRED WIN|YUSUF YOUSEF YOUSUF JOSEPH|HUSSEIN HUSSAIN HUSAIN HUSSAYN|AHMED AHMAD|IBRAHIM EBRAHIM
"""
"""Groups of a forename and what it is called for short; a short form in two groups belongs to both."""


def short_forms() -> dict[str, frozenset[str]]:
    """From each name of a group to the full names it may stand for."""
    stands: dict[str, set[str]] = {}
    for group in SHORT_FORMS.replace("\n", "|").split("|"):
        names = group.split()
        for name in names:
            stands.setdefault(name, set()).add(names[0])
    return {name: frozenset(full) for name, full in stands.items()}


SOUNDS = (
    (r"[^A-Z]", ""),
    (r"^(?:KN|GN|PN)", "N"),
    (r"^WR", "R"),
    (r"^MC", "MAK"),
    (r"PH", "F"),
    (r"GHT", "T"),
    (r"C([EIY])", r"S\1"),
    (r"TCH|CZ", "CH"),
    (r"SCH", "SH"),
    (r"CK|Q|CC", "K"),
    (r"C([^H]|$)", r"K\1"),
    (r"KH", "K"),
    (r"DJ", "J"),
    (r"Z", "S"),
    (r"X", "KS"),
    (r"W", "V"),
    (r"D([HT])", r"D"),
    (r"TH", "T"),
    (r"([BDGKT])H", r"\1"),
    (r"[AEIOUYH]+$", ""),
)
"""From a name towards how it sounds; vowels and doubles go afterwards. In order."""
