package proxy

import (
	"bufio"
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/pires/go-proxyproto"
)

// FuzzPROXYHeader: whatever comes, and in whatever pieces, the same header is
// read, nothing behind it is taken, and every refusal has a reason.
func FuzzPROXYHeader(f *testing.F) {
	block := "\xcb\x00\x71\x09\x0a\x00\x00\x01\x01\xbb\x01\xbb"
	for _, seed := range []string{
		"PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\nGET / HTTP/1.1\r\n", "PROXY TCP6 2001:db8::9 ::1 1 2\r\n", "PROXY UNKNOWN\r\n\r\n",
		string(proxyproto.SIGV2) + "\x21\x11\x00\x0c" + block + "GET /", string(proxyproto.SIGV2) + "\x20\x00\x00\x00rest",
		string(proxyproto.SIGV2) + "\x21\x11\x00\x14" + block + "\x20\x00\x05\x01\x00\x00\x00\x00", "POST / HTTP/1.1\r\n", "\r\n\r\n", "P", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		whole := bufio.NewReaderSize(bytes.NewReader(sent), headerBuffer)
		header, err := readProxyHeader(whole)
		pieces := bufio.NewReaderSize(iotest.OneByteReader(bytes.NewReader(sent)), headerBuffer)
		again, errAgain := readProxyHeader(pieces)
		if header != again || (err == nil) != (errAgain == nil) {
			t.Fatalf("at once %+v, %v; in pieces %+v, %v", header, err, again, errAgain)
		}
		if err != nil {
			if headerFault(err) == "" && len(sent) > 0 {
				t.Errorf("no reason for %v", err)
			}
			return
		}
		for _, r := range []*bufio.Reader{whole, pieces} {
			rest, err := io.ReadAll(r)
			if taken := len(sent) - len(rest); err != nil || !bytes.HasSuffix(sent, rest) || taken == 0 || taken > headerPrefix+int(proxyproto.MaxV2HeaderSize) {
				t.Errorf("%d bytes were taken of %d, %v", taken, len(sent), err)
			}
		}
		if addr := header.client.Addr(); addr.Is4In6() || addr.IsValid() && (addr.IsUnspecified() || addr.IsMulticast()) {
			t.Errorf("the client is %s", addr)
		}
	})
}
