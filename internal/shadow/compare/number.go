package compare

import (
	"bytes"
	"strconv"
)

// appendNumber appends a JSON number in the one form that all its spellings
// share: its sign, its digits without zeros on either side, and where the point
// belongs as a power of ten. Nothing is rounded, and nothing grows with the
// exponent. An exponent of more than 18 digits is appended as it is written.
func appendNumber(dst, number []byte) []byte {
	mantissa, exponent := number, []byte(nil)
	for at, c := range number {
		if c|0x20 == 'e' {
			mantissa, exponent = number[:at], number[at+1:]
			break
		}
	}
	begin := len(dst)
	if mantissa[0] == '-' {
		dst = append(dst, '-')
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	digits := len(dst)
	dst = append(append(dst, whole...), fraction...)
	point := len(whole)
	leading := 0
	for digits+leading < len(dst) && dst[digits+leading] == '0' {
		leading++
	}
	dst = append(dst[:digits], dst[digits+leading:]...)
	point -= leading
	for len(dst) > digits && dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if len(dst) == digits {
		return append(dst[:begin], '0')
	}
	dst = append(dst, 'e')
	if power, ok := exponentOf(exponent); ok {
		return strconv.AppendInt(dst, power+int64(point), 10)
	}
	return append(append(strconv.AppendInt(dst, int64(point), 10), 'e'), exponent...)
}

func exponentOf(text []byte) (power int64, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	sign := int64(1)
	switch text[0] {
	case '-':
		sign = -1
		text = text[1:]
	case '+':
		text = text[1:]
	}
	text = bytes.TrimLeft(text, "0")
	if len(text) > 18 {
		return 0, false
	}
	for _, digit := range text {
		power = power*10 + int64(digit-'0')
	}
	return sign * power, true
}
