package redact

import (
	"slices"
	"strings"
	"unicode"
)

// usualNames are sensitive wherever they stand, without anybody saying so. Each is
// a word, or several that follow each other. They count as whole words, in the
// singular and the plural, in snake, camel and kebab case: "token" makes
// access_token and X-Auth-Tokens sensitive, not tokenizer.
var usualNames = [...]string{
	// what lets somebody in
	"authorization", "auth", "cookie", "credential", "password", "passwd", "passphrase", "passcode", "pwd", "pass",
	"secret", "token", "jwt", "bearer", "session", "sess", "sessid", "sid", "csrf", "xsrf", "otp", "totp", "mfa", "pin",
	"signature", "api key", "access key", "private key", "signing key", "encryption key", "master key", "account key",
	"shared key", "ssh key", "license key", "security code", "verification code", "recovery code", "security answer",
	// what money is paid with
	"card", "pan", "cvv", "cvc", "csc", "iban", "account number", "routing number", "sort code",
	// who somebody is
	"ssn", "social security", "national id", "tax id", "passport",
}

// queryNames are sensitive besides in queries and forms, where they are what
// signs somebody in once. In JSON a code is the code of an error.
var queryNames = [...]string{"code", "ticket", "sig", "key"}

// tailNames are sensitive also as the end of a word that is not divided:
// accesstoken, PHPSESSID.
var tailNames = [...]string{"password", "passwd", "secret", "token", "cookie", "apikey", "sessionid", "sessid", "cardnumber", "authorization"}

// names knows sensitive names. The caller does not change it.
type names map[string][][]string // phrases by their first word

func newNames(lists ...[]string) names {
	n := make(names)
	for _, list := range lists {
		for _, name := range list {
			if words := split(nil, name); len(words) > 0 {
				n[words[0]] = append(n[words[0]], words)
			}
		}
	}
	return n
}

// sensitive reports whether a name has a sensitive one in it.
func (n names) sensitive(name string) bool {
	var room [8]string // on the stack
	words := split(room[:0], name)
	for i, word := range words {
		if n.begins(words[i:], word) || n.begins(words[i:], strings.TrimSuffix(word, "s")) || hasTail(word) {
			return true
		}
	}
	return false
}

// begins reports whether words begin with a phrase whose first word is first.
func (n names) begins(words []string, first string) bool {
	return slices.ContainsFunc(n[first], func(phrase []string) bool {
		if len(phrase) > len(words) {
			return false
		}
		for i := 1; i < len(phrase); i++ {
			if words[i] != phrase[i] && words[i] != phrase[i]+"s" {
				return false
			}
		}
		return true
	})
}

func hasTail(word string) bool {
	word = strings.TrimSuffix(word, "s")
	return slices.ContainsFunc(tailNames[:], func(tail string) bool { return strings.HasSuffix(word, tail) })
}

// split appends the words of a name in lower case: accessToken, access_token,
// ACCESS-TOKEN and APIToken2 all have "token" in them.
func split(words []string, name string) []string {
	begin, before := -1, rune(0)
	for i, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			words, begin = add(words, name, begin, i), -1
		case begin < 0:
			begin = i
		case divides(before, r):
			words, begin = add(words, name, begin, i), i
		case unicode.IsUpper(before) && unicode.IsLower(r) && begin < i-len(string(before)):
			last := i - len(string(before)) // the capital belongs to the next word: API|Token
			words, begin = add(words, name, begin, last), last
		}
		before = r
	}
	return add(words, name, begin, len(name))
}

func divides(before, r rune) bool {
	return unicode.IsDigit(before) != unicode.IsDigit(r) || unicode.IsLower(before) && unicode.IsUpper(r)
}

func add(words []string, name string, begin, end int) []string {
	if begin < 0 {
		return words
	}
	return append(words, strings.ToLower(name[begin:end]))
}
