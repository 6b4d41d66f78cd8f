# Prints a tune as a WAV file, each byte as an escape of printf: `make` writes build/tune.wav with it.
# It is the first half of an old song that half the world knows: 两只老虎, Frère Jacques, Martinillo.

function bytes(number, count) { # the lowest byte first
    for (; count > 0; count--) {
        printf "\\%03o", number % 256
        number = int(number / 256)
    }
}

BEGIN {
    rate = 16000 # samples a second
    quarter = 0.25 # seconds
    # Each note: how many half tones above the C of 523 Hz, and how many quarters.
    count = split("0 1 2 1 4 1 0 1 0 1 2 1 4 1 0 1 4 1 5 1 7 2 4 1 5 1 7 2", notes)
    for (i = 2; i <= count; i += 2)
        total += notes[i] * quarter * rate
    printf "RIFF"; bytes(36 + 2 * total, 4); printf "WAVEfmt "; bytes(16, 4)
    bytes(1, 2); bytes(1, 2); bytes(rate, 4); bytes(2 * rate, 4); bytes(2, 2); bytes(16, 2) # PCM, one channel
    printf "data"; bytes(2 * total, 4); print ""
    for (i = 1; i <= count; i += 2) {
        turn = 2 * 3.14159265358979 * 523.25 * 2 ^ (notes[i] / 12) / rate # of the wave, from sample to sample
        length_of_note = notes[i + 1] * quarter * rate
        for (n = 0; n < length_of_note; n++) {
            strength = 9000 * exp(-4 * n / rate) * (n < 80 ? n / 80 : 1) * (length_of_note - n < 320 ? (length_of_note - n) / 320 : 1)
            sample = int(strength * (sin(turn * n) + sin(2 * turn * n) / 3 + sin(3 * turn * n) / 6))
            bytes(sample < 0 ? sample + 65536 : sample, 2)
            if (n % 160 == 159)
                print "" # a line for each 10 milliseconds
        }
        print ""
    }
}
