//! The stock actions that f2b does itself instead of running their commands.
//!
//! An action is one of them if its commands are, character by character, those of fail2ban 1.0.2 or 1.1 but for the
//! values of parameters ([`Shape`]): whoever changes a command in a file has it run as it is written.

use crate::config::Shape;

/// What a stock action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stock {
    /// A set of nftables and rules that refer to it.
    Nftables,
    /// A chain of iptables with a rule for each host.
    Iptables,
    /// A set of ipset and rules of iptables that refer to it.
    Ipset,
}

impl Stock {
    /// The stock action of a shape.
    pub(super) fn of(shape: Shape) -> Option<Self> {
        let known = SHAPES.iter().find(|(known, _)| Shape(*known) == shape);
        known.map(|(_, stock)| *stock)
    }
}

/// The shapes of fail2ban 1.0.2 and 1.1, in this order, by the type of the action.
const SHAPES: [(u128, Stock); 24] = [
    // nftables: multiport, allports, custom.
    (0xd6aa_5461_a738_4cfe_9599_28b7_822d_12d5, Stock::Nftables),
    (0xc490_dd44_e20f_d457_d9f1_4a53_adac_790d, Stock::Nftables),
    (0x12f7_96c5_5a7e_b41d_b9fb_2316_fe8c_c3e0, Stock::Nftables),
    (0x9f68_d54f_7fa6_5ee8_21d3_de49_cc82_dd34, Stock::Nftables),
    (0xfd5c_3728_56c5_69fa_8f97_3f5b_adb4_cfcd, Stock::Nftables),
    (0x8ae8_ba78_6c27_95f2_e10d_3ae3_d351_68c8, Stock::Nftables),
    // iptables: oneport, multiport, allports; iptables-new: the same.
    (0x9e63_fac3_f4f9_f692_93a8_d72d_26f6_e01e, Stock::Iptables),
    (0x168b_c2e4_1850_e89d_5c6f_fb41_d6d5_56dc, Stock::Iptables),
    (0x4cf1_adba_1d5c_9baf_8b09_fc6e_b997_c08b, Stock::Iptables),
    (0x0025_5857_5d25_e884_1c81_d213_ecfd_2e3a, Stock::Iptables),
    (0xd069_9171_d84c_f657_cd2d_02d4_1684_3102, Stock::Iptables),
    (0x81c7_1788_e4e9_b6a9_6638_a89b_49c0_f0a2, Stock::Iptables),
    (0xe1cc_a8ee_a6d2_98c2_3fb0_d112_c3f1_5ade, Stock::Iptables),
    (0x03e0_bd88_afdc_e480_700d_2c42_7665_d88c, Stock::Iptables),
    (0xdaab_45a3_cc66_60a1_8139_c6fa_0f4d_a0b4, Stock::Iptables),
    (0xd7a2_d3e8_4433_951f_ab0a_07d4_0265_2c46, Stock::Iptables),
    (0x8966_83db_5494_a041_3a45_93fe_74ed_6263, Stock::Iptables),
    (0xf54b_f836_89e9_295e_ab3f_b194_9ca9_ea17, Stock::Iptables),
    // iptables-ipset: oneport, multiport, allports.
    (0x05f6_1c72_066c_2c74_7d0d_5d21_55f6_eafb, Stock::Ipset),
    (0x3321_c9db_9cac_3002_e858_6393_15b8_5866, Stock::Ipset),
    (0xaa8a_e3a1_00c8_7584_bc81_99a9_2e43_f5ff, Stock::Ipset),
    (0x96db_124c_8641_d07e_d718_8b83_4910_186e, Stock::Ipset),
    (0x0f4a_2b79_bbbe_73df_8123_1103_4b6e_423a, Stock::Ipset),
    (0xd899_0252_d5df_3919_c285_0762_008e_3b6b, Stock::Ipset),
];
