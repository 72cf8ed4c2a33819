// SPDX-License-Identifier: Apache-2.0

// zerolog to memory, with the time as a number and as RFC 3339; what does not change is its logger's context, which it
// keeps encoded. Prints what calls.h says.
package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/rs/zerolog"
)

type memory struct {
	line   [65536]byte
	length int
}

func (m *memory) Write(line []byte) (int, error) {
	m.length = copy(m.line[:], line)
	return len(line), nil
}

var login = struct {
	msg, method, user, ip, protocol, info string
	valid                                 bool
	port, attempt                         int
}{"Failed password", "password", "root", "192.0.2.147", "ssh2", "RSA SHA256:Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0",
	false, 54460, 3}

func processorNs() float64 {
	var use syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	return float64(use.Utime.Nano() + use.Stime.Nano())
}

func measure(name, timeFormat string, calls int) {
	taken := &memory{}
	zerolog.TimeFieldFormat = timeFormat
	logger := zerolog.New(taken).With().Str("facility", "auth").Str("hostname", "web01.example.net").
		Str("app_name", "sshd").Str("procid", "4711").Logger()
	call := func() {
		logger.Info().Timestamp().Str("msgid", "auth").Str("msg", login.msg).Str("method", login.method).
			Bool("valid", login.valid).Str("user", login.user).Str("remote_ip", login.ip).Int("remote_port", login.port).
			Str("protocol", login.protocol).Str("info", login.info).Int("attempt", login.attempt).Send()
	}
	for i := 0; i < calls/10; i++ {
		call()
	}
	start := processorNs()
	for i := 0; i < calls; i++ {
		call()
	}
	fmt.Printf("%s\t%.1f\t%d\n", name, (processorNs()-start)/float64(calls), taken.length)
}

func main() {
	calls, err := strconv.Atoi(os.Args[1])
	if err != nil {
		os.Exit(2)
	}
	measure("zerolog, time as a number", zerolog.TimeFormatUnixMicro, calls)
	measure("zerolog, time as text", "2006-01-02T15:04:05.000000Z07:00", calls)
}
