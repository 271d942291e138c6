package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"time"
)

var seconds, _ = strconv.ParseInt(os.Getenv("SECONDS"), 10, 64)

// Whether to do what the line of the table says; otherwise a program does what its library's own first page shows.
var withLine = len(os.Args) > 2

func init() { rand.Seed(time.Now().UnixNano()) }

func read(text []byte) {
	var message struct {
		Type  string
		Rates []struct{}
	}
	if json.Unmarshal(text, &message) == nil && message.Type == "board" {
		fmt.Printf("board of %d\n", len(message.Rates))
	}
}

func after(header string) string {
	if header == "" {
		return ""
	}
	return "`Retry-After` " + header
}
