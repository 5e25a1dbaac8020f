package redact

import (
	"encoding/base64"
	"slices"
	"strings"
)

// prefixTexts begin the keys and tokens of widespread services, and ours.
var prefixTexts = [...]string{
	"strangler_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", "sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_",
	"github_pat_", "glpat-", "glptt-", "xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-", "xapp-", "AKIA", "ASIA", "AIza", "ya29.",
	"GOCSPX-", "SG.", "npm_", "pypi-", "hf_", "shpat_", "shpss_", "dop_v1_", "hvs.", "eyJ", // the last one: {" in base64, as every JWT begins
}

// minSecret is how many characters follow a known prefix at least.
const minSecret = 12

// isToken takes the characters that keys, tokens and JWTs are made of.
func isToken(c byte) bool { return isAlnum(c) || strings.IndexByte("_-.~+/", c) >= 0 }

// tokens finds JWTs, keys with a known prefix, and what only chance writes so.
func tokens(found []span, text string) []span {
	if isBlob(text) {
		return append(found, span{0, len(text)})
	}
	for at := 0; at < len(text); at++ {
		if !isToken(text[at]) {
			continue
		}
		begin := at
		for at < len(text) && isToken(text[at]) {
			at++
		}
		if at-begin <= minSecret {
			continue
		}
		run := text[begin:at]
		end := skip(text, at, "=")
		if n := known(run); n >= 0 {
			found = append(found, span{begin + n, end})
			continue
		}
		found = random(found, text, begin, at)
	}
	return found
}

// known returns where in a run a known prefix begins; negative: nowhere.
func known(run string) int {
	first := -1
	for _, prefix := range prefixTexts {
		for from := 0; ; {
			n := strings.Index(run[from:], prefix)
			if n < 0 || len(run)-(from+n)-len(prefix) < minSecret {
				break
			}
			n += from
			if n == 0 || !isAlnum(run[n-1]) {
				if first < 0 || n < first {
					first = n
				}
				break
			}
			from = n + 1
		}
	}
	return first
}

// minRandom is how many letters and digits chance must have written in a row.
// That a random text of so many has no digit happens once in 70 times.
const minRandom = 24

// random finds the parts of a run between its dots and slashes that look random.
func random(found []span, text string, begin, end int) []span {
	for at := begin; at < end; at++ {
		from := at
		for at < end && strings.IndexByte("./~", text[at]) < 0 {
			at++
		}
		if looksRandom(text[from:at], minRandom) {
			found = append(found, span{from, skip(text, at, "=")})
		}
	}
	return found
}

// looksRandom reports whether a text has at least so many letters and digits, of
// all three kinds, a digit not only at its end, and changes kind as often as only
// chance does: random ones do at 62 of 100 places, most words in camel case at fewer
// than 35. UUIDs, hashes in hexadecimal and words pass.
func looksRandom(text string, least int) bool {
	var seen [3]bool // by kindOf
	n, changes, before, inner := 0, 0, -1, false
	for i := range len(text) {
		kind := kindOf(text[i])
		if kind < 0 {
			continue
		}
		seen[kind] = true
		if n > 0 && kind != before {
			changes++
			inner = inner || before == 0
		}
		before = kind
		n++
	}
	return n >= least && inner && seen[1] && seen[2] && changes*100 >= 35*(n-1)
}

// kindOf tells digits, small and capital letters apart; negative: something else.
func kindOf(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return 0
	case 'a' <= c && c <= 'z':
		return 1
	case 'A' <= c && c <= 'Z':
		return 2
	default:
		return -1
	}
}

// isBlob reports whether a whole text is base64 and looks random, as the lines
// of a private key do.
func isBlob(text string) bool {
	text = strings.TrimRight(strings.TrimSpace(text), "=")
	return looksRandom(text, minRandom) && !strings.ContainsFunc(text, func(c rune) bool {
		return c >= 0x80 || !isAlnum(byte(c)) && c != '+' && c != '/'
	})
}

// schemes finds what follows "Bearer", and "Basic" where it is a name and a password.
func schemes(found []span, text string) []span {
	for at := 0; at < len(text); {
		begin, end := nextName(text, at)
		if begin == len(text) {
			break
		}
		at = end
		word := text[begin:end]
		bearer := strings.EqualFold(word, "bearer")
		if !bearer && !strings.EqualFold(word, "basic") {
			continue
		}
		value := skip(text, end, " \t+")
		if strings.HasPrefix(text[value:], "%20") {
			value += len("%20")
		}
		last := value
		for last < len(text) && strings.IndexByte(" \t\r\n\"'<>,;", text[last]) < 0 {
			last++
		}
		if value > end && value < last && (bearer || isBasic(text[value:last])) {
			found = append(found, span{value, last})
			at = last
		}
	}
	return found
}

func isBasic(text string) bool {
	decoded, err := base64.StdEncoding.DecodeString(text)
	return err == nil && slices.Contains(decoded, ':')
}

// blocks finds PEM, also where its end is missing.
func blocks(found []span, text string) []span {
	const begins, ends = "-----BEGIN ", "-----END "
	for at := 0; ; {
		n := strings.Index(text[at:], begins)
		if n < 0 {
			return found
		}
		begin := at + n
		at = len(text)
		if n := strings.Index(text[begin:], ends); n >= 0 {
			at = lineEnd(text, begin+n)
		}
		found = append(found, span{begin, at})
	}
}

// users finds the name and the password in a URL.
func users(found []span, text string) []span {
	for at := 0; ; {
		n := strings.Index(text[at:], "://")
		if n < 0 {
			return found
		}
		begin := at + n + len("://")
		at = begin
		for at < len(text) && strings.IndexByte("/?# \t\r\n\"'<>", text[at]) < 0 {
			at++
		}
		if n := strings.LastIndexByte(text[begin:at], '@'); n > 0 {
			found = append(found, span{begin, begin + n})
		}
	}
}
