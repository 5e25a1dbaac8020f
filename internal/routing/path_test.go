package routing_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

func TestNormalizePath(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"empty", "", "/"},
		{"root", "/", "/"},
		{"plain", "/orders/42", "/orders/42"},
		{"unreserved escape", "/%6Frders/%7Ejo", "/orders/~jo"},
		{"reserved escape stays", "/a%3Bb%2C", "/a%3Bb%2C"},
		{"lower-case hexadecimal", "/a%2fb%c3%a9", "/a%2Fb%C3%A9"},
		{"encoded slash never separates", "/a%2F..%2Fb", "/a%2F..%2Fb"},
		{"decoded once only", "/%2541", "/%2541"},
		{"raw UTF-8", "/caf\xc3\xa9", "/caf%C3%A9"},
		{"unsafe bytes", "/a b\"<>^`{|}[]\x7f\t", "/a%20b%22%3C%3E%5E%60%7B%7C%7D%5B%5D%7F%09"},
		{"backslash is an ordinary byte", `/a\..\b`, "/a%5C..%5Cb"},
		{"all pchar", "/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@"},
		{"duplicate slashes stay", "//a///b//", "//a///b//"},
		{"dot", "/a/./b", "/a/b"},
		{"dot at the end", "/a/.", "/a/"},
		{"dot dot", "/a/b/../c", "/a/c"},
		{"dot dot at the end", "/a/b/..", "/a/"},
		{"dot dot above the root", "/../../a", "/a"},
		{"nothing but dot dot", "/..", "/"},
		{"dot dot over an empty segment", "/a//../b", "/a/b"},
		{"encoded dots", "/a/%2E%2e/b", "/b"},
		{"half encoded dots", "/a/.%2e/b", "/b"},
		{"dot dot with parameter", "/a/..;x=1/b", "/b"},
		{"encoded dot dot with parameter", "/a/%2e%2e;/b", "/b"},
		{"dot with parameter", "/a/.;x/b", "/a/b"},
		{"encoded semicolon is part of a name", "/a/..%3Bx/b", "/a/..%3Bx/b"},
		{"three dots", "/a/.../b", "/a/.../b"},
		{"hidden file", "/.well-known/x", "/.well-known/x"},
		{"dots after a hidden file", "/.a/../b", "/b"},
		{"parameter on a name", "/a;v=1/b", "/a;v=1/b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := routing.NormalizePath(c.raw)
			if err != nil || got != c.want {
				t.Fatalf("NormalizePath(%q) = %q, %v; want %q", c.raw, got, err, c.want)
			}
		})
	}
}

func TestNormalizePathRefuses(t *testing.T) {
	for _, c := range []struct{ raw, says string }{
		{"orders", "does not begin with a slash"},
		{"*", "does not begin with a slash"},
		{"/a\x00", "NUL at byte 2"},
		{"/a%00", "NUL at byte 2"},
		{"/a\r", "carriage return at byte 2"},
		{"/a%0d", "carriage return at byte 2"},
		{"/a%0A", "line feed at byte 2"},
		{"/a\nb", "line feed at byte 2"},
		{"/a#b", "fragment at byte 2"},
		{"/a?b", "query at byte 2"},
		{"/100%", "malformed escape at byte 4"},
		{"/%4", "malformed escape at byte 1"},
		{"/%zz", "malformed escape at byte 1"},
		{"/ok%20%u0041", "malformed escape at byte 6"},
	} {
		got, err := routing.NormalizePath(c.raw)
		if !errors.Is(err, routing.ErrPath) || !strings.Contains(err.Error(), c.says) || got != "" {
			t.Errorf("NormalizePath(%q) = %q, %v; want an ErrPath that says %q", c.raw, got, err, c.says)
		}
	}
}

func TestNormalizePathOfNormalPathAllocatesNothing(t *testing.T) {
	for _, path := range []string{"/", "/orders/42/lines", "/.well-known/a", "/a%2Fb", "/a;v=1/caf%C3%A9"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = routing.NormalizePath(path) }); n != 0 {
			t.Errorf("NormalizePath(%q) allocates %v times", path, n)
		}
	}
}
