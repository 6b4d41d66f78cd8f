/**
 * @file blank-page.c
 * @brief Exercise 3: both ends of a conversation, from nothing.
 *
 * The assignment is README.md, beside this file. Check it with `make check-03`. The page is yours.
 */
