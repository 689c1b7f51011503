"""Coins and chains as evidence. A form that is right says nothing about whether a payment was made."""
