"""The command lines of the sweeps (K1, K2), by room.

case     what one is            stands   what stands before it
asking   submit, run            working  claim, renew, release, respond, event, wait
steering cancel, hold, retry    storing  archive, export, doctor, init
"""
