package redact_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/redact"
)

// key is a key that everybody knows.
type key string

func (k key) Sum(text string) []byte {
	mac := hmac.New(sha256.New, []byte(k))
	_, _ = mac.Write([]byte(text))
	return mac.Sum(nil)
}

// hash is what stands for a value.
func hash(kind, value string) string {
	return "hidden:" + hex.EncodeToString(key("k").Sum(kind + "\x00" + value))[:16]
}

func text(value string) string { return hash("string", value) }

func redactor(t testing.TB, sensitive, reveal []string) *redact.Redactor {
	t.Helper()
	r, err := redact.New(key("k"), sensitive, reveal)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	jwt  = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.cThIIoDvwdueQB468K5xDc5633seEFoqwxjF_xSJyQQ"
	card = "4111111111111111"
)

// shown is a JSON value at a path, as it is kept.
func shown(r *redact.Redactor, path, json string) string {
	d := r.Difference(compare.Difference{Where: path, Path: path, Kind: compare.KindValue, Legacy: compare.Value{Type: "any", Text: json}})
	return d.Legacy.Text
}

func TestSensitiveNamesAreWholeWords(t *testing.T) {
	r := redactor(t, []string{"kundennummer", "loyalty_id"}, nil)
	for _, name := range []string{
		"token", "tokens", "access_token", "accessToken", "ACCESS_TOKEN", "X-Auth-Token", "accesstoken", "APIToken2", "token1",
		"api_key", "apiKey", "apikey", "APIKey", "X-API-Keys", "password", "new_password", "userPassword", "PHPSESSID", "JSESSIONID",
		"card", "cardNumber", "credit-card", "cvv", "cvv2", "iban", "ssn", "clientSecret", "client_secrets", "session", "account_numbers",
		"kundennummer", "loyaltyId", "LOYALTY-ID", "oauth.token",
	} {
		if got := shown(r, "$['"+name+"']", `"hunter2"`); got != `"`+text("hunter2")+`"` {
			t.Errorf("%s: %s, want it hidden", name, got)
		}
	}
	for _, name := range []string{
		"tokenizer", "cardinality", "discard", "passenger", "compass", "author", "secretary", "keyboard", "api", "key", "id", "idloyalty",
		"loyal", "number", "account", "sessile", "pinned", "code", "", "…", "state",
	} {
		if got := shown(r, "$['"+name+"']", `"hunter2"`); got != `"hunter2"` {
			t.Errorf("%s: %s, want it kept", name, got)
		}
	}
}

func TestHiddenValuesProveEquality(t *testing.T) {
	r := redactor(t, nil, nil)
	for _, c := range [][2]string{
		{`"1"`, `"` + text("1") + `"`},
		{`"\u0031"`, `"` + text("1") + `"`},
		{`1`, `"` + hash("number", "1") + `"`},
		{`true`, `"` + hash("boolean", "true") + `"`},
		{`null`, `null`},
		{`{"a":[1,"1"],"b":null}`, `{"a":["` + hash("number", "1") + `","` + text("1") + `"],"b":null}`},
		{`""`, `"` + text("") + `"`},
	} {
		if got := shown(r, "$.user.password", c[0]); got != c[1] {
			t.Errorf("%s is kept as %s, want %s", c[0], got, c[1])
		}
	}
	if got := r.Header("X-Auth-Token", []string{"1", "2"}); got[0] != text("1") || got[1] != text("2") {
		t.Errorf("headers %q, want the same hashes", got)
	}
	other, err := redact.New(key("other"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(other, "$.password", `"1"`); got == `"`+text("1")+`"` {
		t.Error("the hash does not depend on the key")
	}
}

func TestNestedValuesKeepEverythingElse(t *testing.T) {
	r := redactor(t, nil, nil)
	const whole = "{ \"id\": 9007199254740993, \"price\": 1.10,\n\t\"tags\" : [\"a\\u00e9\", \"<b>\" , null],\"price\":2, \"user\": {\"name\": \"Ana\", \"password\": %}, \"e\": {}, \"f\":[ ]}"
	in, want := strings.ReplaceAll(whole, "%", `"hunter2"`), strings.ReplaceAll(whole, "%", `"`+text("hunter2")+`"`)
	if got := shown(r, "$.order", in); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := r.Body("application/vnd.shop+json; charset=utf-8", []byte(in)); string(got) != want {
		t.Errorf("as a body: %s\nwant %s", got, want)
	}
}

func TestValuesThatLookLikeSecrets(t *testing.T) {
	r := redactor(t, nil, nil)
	for name, c := range map[string]struct{ in, hidden string }{
		"a JWT":                  {"see % here", jwt},
		"a cut JWT":              {"%", jwt[:40]},
		"a JWT in a path":        {"/login/%", jwt},
		"bearer":                 {"Authorization was bearer %, sorry", "abc"},
		"bearer, escaped":        {"Bearer%20%", "abc"},
		"basic":                  {"Basic %", "dXNlcjpodW50ZXIy"},
		"PEM":                    {"key: ok\n%\nmore", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----"},
		"PEM without its end":    {"%", "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ"},
		"a line of PEM":          {"%", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"},
		"a key of a service":     {"used % twice", "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"},
		"a cloud's key":          {"(%)", "AKIA" + "IOSFODNN7EXAMPLE"},
		"a token of ours":        {"%", "strangler_abcdefgh_abcdefghijklmnopqrstuvwxyz"},
		"a random token":         {"your code: %.", "q9Zx3LmT8vKr2WpY6nBd4HsJ"},
		"a card":                 {"paid by %!", card},
		"a card in groups":       {"paid by %.", "4111 1111 1111 1111"},
		"a card with hyphens":    {"% 12 34", "4111-1111-1111-1111"},
		"a card behind a number": {"1234 %", "5500 0000 0000 0004"},
		"an American card":       {"%", "3782 822463 10005"},
		"a card of 19 digits":    {"%", "6304000000000000000"},
		"password=":              {"login?password=%", "hunter2&x=1"},
		"password: …":            {"the password: %", "correct horse battery"},
		"password, next line":    {"password:\n  %\nname: Ana", "hunter2"},
		"JSON in a string":       {`{"user":"ana","password":"%`, `hunter2"}`},
		"escaped JSON":           {`{\"password\":\"%`, `hunter2\"}`},
		"an escaped query":       {"go?to=%2Fx%3Ftoken%3D%", "abc"},
		"a query in a text":      {"go to /x?code=%", "abc"},
		"api key, two words":     {"API key: %", "abc"},
		"an element":             {"<password>%", "hunter2</password>"},
		"an attribute":           {`<input name="csrf_token" %`, `value="abc">`},
		"a pair":                 {`["password", "%`, `hunter2"]`},
		"a URL's user":           {"at https://%@db.example/x", "ana:hunter2"},
		"an environment":         {"DB_PASSWORD=%", "hunter2"},
	} {
		in, want := strings.ReplaceAll(c.in, "%", c.hidden), strings.ReplaceAll(c.in, "%", text(c.hidden))
		if strings.Contains(c.in, "%2") || strings.Contains(c.in, "%3") {
			at := strings.LastIndex(c.in, "%")
			in, want = c.in[:at]+c.hidden, c.in[:at]+text(c.hidden)
		}
		d := r.Difference(compare.Difference{
			Where: "line 14", Path: "line", Kind: compare.KindText,
			Legacy: compare.Value{Type: "string", Text: in}, New: compare.Value{Type: "string", Text: "ok"},
		})
		if d.Legacy.Text != want || d.New.Text != "ok" {
			t.Errorf("%s: %q is kept as %q, want %q", name, in, d.Legacy.Text, want)
		}
	}
}

func TestHarmlessTextsAreKept(t *testing.T) {
	r := redactor(t, nil, nil)
	for _, in := range []string{
		"Your card was declined", "Invalid token", "1767225600123", "1767225600123456789", "3.4111111111111111", "4111111111111112",
		"3f2b8a1c-94b6-4a39-8f0b-1d2f3a4b5c6d", "9b74c9897bac770ffc029102a200c5de", "2026-11-23 23-40-02", "getUserByEmailAddressAndTenant2",
		"the-quick-brown-fox-jumps-over-13-lazy-dogs", "Basic shipping", `<div class="card">Hello</div>`, "error code: 7", "sk-SK, cs-CZ",
		"application/json; charset=utf-8", "max-age=3600, private", "https://shop.example/orders/42?page=2", "Sat, 24 Oct 2026 07:28:00 GMT", "",
	} {
		if got := r.Header("X-Text", []string{in})[0]; got != in {
			t.Errorf("%q is kept as %q", in, got)
		}
	}
	if got := shown(r, "$.at", "1767225600123"); got != "1767225600123" {
		t.Errorf("a number: %s", got)
	}
	if got, want := shown(r, "$.pan_or_not[3].n", card), `"`+hash("number", card)+`"`; got != want {
		t.Errorf("a card as a number: %s, want %s", got, want)
	}
}

func TestPathsAndCutValues(t *testing.T) {
	r := redactor(t, nil, nil)
	for name, c := range map[string]struct{ in, want compare.Difference }{
		"a token as a key": {
			compare.Difference{Where: "$.by['" + jwt + "'].n[3]", Path: "$.by['" + jwt + "'].n[*]", Kind: compare.KindExtra, New: compare.Value{Type: "number", Text: "1"}},
			compare.Difference{Where: "$.by['" + text(jwt) + "'].n[3]", Path: "$.by['" + text(jwt) + "'].n[*]", Kind: compare.KindExtra, New: compare.Value{Type: "number", Text: "1"}},
		},
		"a key with quotes": {
			compare.Difference{Where: `$['it\'s \u0007'].x`, Path: `$['it\'s \u0007'].x`, Kind: compare.KindValue, New: compare.Value{Type: "number", Text: "1"}},
			compare.Difference{Where: `$['it\'s \u0007'].x`, Path: `$['it\'s \u0007'].x`, Kind: compare.KindValue, New: compare.Value{Type: "number", Text: "1"}},
		},
		"names that are data": {
			compare.Difference{Where: "$.by['42'].password", Path: "$.by.*.password", Kind: compare.KindValue, New: compare.Value{Type: "number", Text: "1"}},
			compare.Difference{Where: "$.by['42'].password", Path: "$.by.*.password", Kind: compare.KindValue, New: compare.Value{Type: "number", Text: `"` + hash("number", "1") + `"`}},
		},
		"a member that is called *": {
			compare.Difference{Where: "$['*'][0]", Path: "$['*'][*]", Kind: compare.KindValue, New: compare.Value{Type: "number", Text: "1"}},
			compare.Difference{Where: "$['*'][0]", Path: "$['*'][*]", Kind: compare.KindValue, New: compare.Value{Type: "number", Text: "1"}},
		},
		"a path that nobody can read": {
			compare.Difference{Where: "$.a[x].b", Path: "$.a[*].b", Kind: compare.KindValue, New: compare.Value{Type: "number", Text: "1"}},
			compare.Difference{Where: "$.a['" + text("[x].b") + "']", Path: "$.a[*].b", Kind: compare.KindValue, New: compare.Value{Type: "number", Text: `"` + hash("number", "1") + `"`}},
		},
		"JSON that was cut": {
			compare.Difference{Where: "$.a", Path: "$.a", Kind: compare.KindMissing, Legacy: compare.Value{Type: "object", Text: `{"password":"hun…`}},
			compare.Difference{Where: "$.a", Path: "$.a", Kind: compare.KindMissing, Legacy: compare.Value{Type: "object", Text: `"` + hash("object", `{"password":"hun…`) + `"`}},
		},
		"a line that was cut": {
			compare.Difference{Where: "line 1", Path: "line", Kind: compare.KindText, Legacy: compare.Value{Type: "string", Text: strings.Repeat("a ", 2000) + "41111111…"}},
			compare.Difference{Where: "line 1", Path: "line", Kind: compare.KindText, Legacy: compare.Value{Type: "string", Text: text(strings.Repeat("a ", 2000) + "41111111…")}},
		},
		"a line that ends so": {
			compare.Difference{Where: "line 1", Path: "line", Kind: compare.KindText, Legacy: compare.Value{Type: "string", Text: "Read more…"}},
			compare.Difference{Where: "line 1", Path: "line", Kind: compare.KindText, Legacy: compare.Value{Type: "string", Text: "Read more…"}},
		},
		"a status": {
			compare.Difference{Where: "status", Path: "status", Kind: compare.KindStatus, Legacy: compare.Value{Type: "status", Text: "200"}},
			compare.Difference{Where: "status", Path: "status", Kind: compare.KindStatus, Legacy: compare.Value{Type: "status", Text: "200"}},
		},
		"bytes": {
			compare.Difference{Where: "body", Path: "body", Kind: compare.KindBytes, Legacy: compare.Value{Type: "bytes", Text: "sha256:00, 1 bytes"}},
			compare.Difference{Where: "body", Path: "body", Kind: compare.KindBytes, Legacy: compare.Value{Type: "bytes", Text: hash("bytes", "sha256:00, 1 bytes")}},
		},
		"a cookie": {
			compare.Difference{Where: "header Set-Cookie", Path: "header Set-Cookie", Kind: compare.KindValue, Legacy: compare.Value{Type: "string", Text: "sid=abc"}},
			compare.Difference{Where: "header Set-Cookie", Path: "header Set-Cookie", Kind: compare.KindValue, Legacy: compare.Value{Type: "string", Text: "sid=" + text("abc")}},
		},
		"a cookie's attributes": {
			compare.Difference{Where: "header Set-Cookie", Path: "header Set-Cookie", Kind: compare.KindHeader, Legacy: compare.Value{Type: "string", Text: "sid; httponly; path=/"}},
			compare.Difference{Where: "header Set-Cookie", Path: "header Set-Cookie", Kind: compare.KindHeader, Legacy: compare.Value{Type: "string", Text: "sid; httponly; path=/"}},
		},
	} {
		if got := r.Difference(c.in); got != c.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestHeaders(t *testing.T) {
	r := redactor(t, nil, nil)
	for _, c := range [][3]string{
		{"authorization", "Bearer abc", text("Bearer abc")},
		{"Proxy-Authorization", "Basic abc", text("Basic abc")},
		{"Cookie", "sid=abc; theme=dark; broken", "sid=" + text("abc") + "; theme=" + text("dark") + ";" + text(" broken")},
		{"Set-Cookie", "sid=abc; Path=/; HttpOnly", "sid=" + text("abc") + "; Path=/; HttpOnly"},
		{"Location", "https://ana:pw@shop.example/a?token=abc&page=2", "https://" + text("ana:pw") + "@shop.example/a?token=" + text("abc") + "&page=2"},
		{"Referer", "/reset-password/k3J9x2Lq", "/reset-password/" + text("k3J9x2Lq")},
		{"Www-Authenticate", `Bearer realm="shop", error="invalid_token"`, `Bearer realm="shop", error="invalid_token"`},
		{"Www-Authenticate", "Negotiate " + jwt, "Negotiate " + text(jwt)},
		{"Proxy-Authenticate", `Digest realm="shop", nonce="6629fae4"`, `Digest realm="shop", nonce="6629fae4"`},
		{"Authentication-Info", `rspauth="6629fae4"`, text(`rspauth="6629fae4"`)},
		{"Location", "//ana:hunter2@shop.example/x", "//" + text("ana:hunter2") + "@shop.example/x"},
		{"Location", "//shop.example/x", "//shop.example/x"},
		{"Accept-Language", "de, en;q=0.7", "de, en;q=0.7"},
	} {
		if got := r.Header(c[0], []string{c[1]})[0]; got != c[2] {
			t.Errorf("%s: %q, want %q", c[0], got, c[2])
		}
	}
}

func TestTargets(t *testing.T) {
	r := redactor(t, []string{"iban"}, nil)
	const random = "Jx9-2kLq8_ZrT3vWm5YbNa"
	for _, c := range [][2]string{
		{"/orders/42?page=2&sort=-price&empty=&flag", "/orders/42?page=2&sort=-price&empty=&flag"},
		{"/orders/3f2b8a1c-94b6-4a39-8f0b-1d2f3a4b5c6d", "/orders/3f2b8a1c-94b6-4a39-8f0b-1d2f3a4b5c6d"},
		{"/a%20b/%zz?x=%zz", "/a%20b/%zz?x=%zz"},
		{"/login?access_token=abc%3D&x=1", "/login?access_token=" + text("abc=") + "&x=1"},
		{"/login?user[password]=abc&user%5Bpassword%5D=abc", "/login?user[password]=" + text("abc") + "&user%5Bpassword%5D=" + text("abc")},
		{"/cb?code=abc&state=NY", "/cb?code=" + text("abc") + "&state=NY"},
		{"/v/" + jwt + "/x", "/v/" + text(jwt) + "/x"},
		{"/v/" + random, "/v/" + text(random)},
		{"/v/9b74c9897bac770ffc029102a200c5de", "/v/" + text("9b74c9897bac770ffc029102a200c5de")},
		{"/token/short", "/token/short"},
		{"/tokens/12345678", "/tokens/12345678"},
		{"/tokens/a2345678", "/tokens/" + text("a2345678")},
		{"/pay/" + card, "/pay/" + text(card)},
		{"/a;jsessionid=abc;v=1?q=1", "/a;jsessionid=" + text("abc") + ";v=1?q=1"},
		{"/x?to=" + url.QueryEscape("https://y/?token=abc"), "/x?to=https:%2F%2Fy%2F%3Ftoken%3D" + text("abc")},
		{"/x?to=" + url.QueryEscape(url.QueryEscape("https://y/?token=abc")), "/x?to=https%253A%252F%252Fy%252F%253Ftoken%253D" + text("abc")},
		{"https://ana:pw@shop.example", "https://" + text("ana:pw") + "@shop.example"},
		{"*", "*"},
		{"", ""},
	} {
		if got := r.Target(c[0]); got != c[1] {
			t.Errorf("%s\ngot  %s\nwant %s", c[0], got, c[1])
		}
	}
}

func TestBodies(t *testing.T) {
	r := redactor(t, nil, nil)
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	for _, c := range [][3]string{
		{"application/json", `{"password":"hunter2"}`, `{"password":"` + text("hunter2") + `"}`},
		{"application/json", `{"password":"hunter2"`, hash("bytes", `{"password":"hunter2"`) + " (21 bytes)"},
		{"application/json", deep, hash("bytes", deep) + " (200000 bytes)"},
		{"application/x-www-form-urlencoded", "user=ana&password=hunter2", "user=ana&password=" + text("hunter2")},
		{"text/plain", "hi", hash("bytes", "hi") + " (2 bytes)"},
		{"", "hi", hash("bytes", "hi") + " (2 bytes)"},
		{"text/plain", "", ""},
	} {
		if got := string(r.Body(c[0], []byte(c[1]))); got != c[2] {
			t.Errorf("%s: %.200q, want %.200q", c[0], got, c[2])
		}
	}
}

func TestRevealedPlacesAreKept(t *testing.T) {
	r := redactor(t, nil, []string{"$.token_type", "$.card", "$.payments[*].card.brand", "$..session.id", "header X-Session-Hint", "header x-session-hint"})
	for _, c := range [][3]string{
		{"$.token_type", `"bearer"`, `"bearer"`},
		{"$.card", `{"brand":"visa","cvv":"123"}`, `{"brand":"visa","cvv":"` + text("123") + `"}`},
		{"$.card.cvv", `"123"`, `"` + text("123") + `"`},
		{"$.other.token_type", `"bearer"`, `"` + text("bearer") + `"`},
		{"$.payments[3].card.brand", `"visa"`, `"visa"`},
		{"$.payments[3].card.number", `"1"`, `"` + text("1") + `"`},
		{"$.payments", `[{"card":{"brand":"visa","number":"1"}}]`, `[{"card":{"brand":"visa","number":"` + text("1") + `"}}]`},
		{"$.a.session.id", `"` + card + `"`, `"` + card + `"`},
	} {
		if got := shown(r, c[0], c[1]); got != c[2] {
			t.Errorf("%s %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
	if got := r.Header("x-session-hint", []string{"a"})[0]; got != "a" {
		t.Errorf("a revealed header: %q", got)
	}
}

func TestWhatCannotBeSensitiveOrRevealed(t *testing.T) {
	for _, name := range []string{"", "…", strings.Repeat("x", 129)} {
		if _, err := redact.New(key("k"), []string{name}, nil); !errors.Is(err, redact.ErrSensitive) {
			t.Errorf("sensitive %q: %v", name, err)
		}
	}
	for _, place := range []string{"", "token", "$.a[", "status", "body", "$", "$.*", "header Cookie", "header set-cookie", "header Authorization"} {
		if _, err := redact.New(key("k"), nil, []string{place}); !errors.Is(err, redact.ErrReveal) {
			t.Errorf("reveal %q: %v", place, err)
		}
	}
}
